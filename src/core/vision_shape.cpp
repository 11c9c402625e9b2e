#include "core/vision_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/number.h"
#include "core/text.h"

namespace fewlabel {
namespace {

struct Bounded {
  int64_t VisionShape::*number;
  int64_t most;
};
constexpr std::array<Bounded, 6> kNumbers{{{&VisionShape::blocks, 200},
                                           {&VisionShape::width, 1 << 14},
                                           {&VisionShape::heads, 1 << 10},
                                           {&VisionShape::inner, 1 << 16},
                                           {&VisionShape::patch, 1 << 8},
                                           {&VisionShape::side, 1 << 12}}};
constexpr int64_t kMostTokens = 256;
constexpr std::string_view kTokens = "tokens=";

/// Whether the word is one.
bool take_word(VisionShape& shape, const std::string& word) {
  if (word.starts_with(kTokens)) {
    shape.tokens = whole_number(word.substr(kTokens.size())).value_or(-1);
    return shape.tokens >= 0 && shape.tokens <= kMostTokens;
  }
  if (word == "norm_first")
    shape.norm_first = true;
  else if (word == "layer_scale")
    shape.layer_scale = true;
  else if (word == "gelu_tanh" || word == "quick_gelu" || word == "swiglu")
    shape.activation = word;
  else if (word == "distilled" || word == "attention")
    shape.features = word;
  else
    return false;
  return true;
}

}  // namespace

std::string VisionShape::text() const {
  std::string all = fmt::format("{}x{}x{}x{}x{}x{}", blocks, width, heads, inner, patch, side);
  if (tokens != 1) all += fmt::format("+{}{}", kTokens, tokens);
  if (norm_first) all += "+norm_first";
  if (layer_scale) all += "+layer_scale";
  if (activation != "gelu") all += "+" + activation;
  if (features != "class") all += "+" + features;
  return all;
}

std::optional<VisionShape> vision_shape(const std::string& text) {
  const std::vector<std::string> words = split_text(text, '+');
  const std::vector<std::string> numbers = split_text(words.front(), 'x');
  if (numbers.size() != kNumbers.size()) return {};
  VisionShape shape;
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    const int64_t number = whole_number(numbers[i]).value_or(0);
    if (number < 1 || number > kNumbers[i].most) return {};
    shape.*kNumbers[i].number = number;
  }
  if (shape.width % shape.heads != 0 || shape.side % shape.patch != 0) return {};
  if (!std::all_of(words.begin() + 1, words.end(), [&](const std::string& word) { return take_word(shape, word); }))
    return {};
  const int64_t needed = shape.features == "class" ? 1 : shape.features == "distilled" ? 2 : 0;
  if (shape.tokens < needed) return {};
  return shape;
}

}  // namespace fewlabel
