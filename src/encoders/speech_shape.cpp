#include "encoders/speech_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr int64_t kMost = 1 << 16;

[[noreturn]] void refuse_shape(const std::string& text, const char* wanted) {
  throw Error(ErrorKind::usage, "net", "net.shape is '" + printable(text) + "'", std::string("wanted ") + wanted);
}

/// Numbers from 1 to kMost between x; none where they are not so.
std::vector<int64_t> sizes_of(const std::string& text, std::size_t count) {
  std::vector<int64_t> numbers;
  for (const std::string& part : split_text(text, 'x')) numbers.push_back(whole_number(part).value_or(0));
  const bool sound = numbers.size() == count &&
                     std::all_of(numbers.begin(), numbers.end(), [](int64_t n) { return n > 0 && n <= kMost; });
  return sound ? numbers : std::vector<int64_t>(count, 0);
}

}  // namespace

std::string to_text(const SpeechShape& shape) {
  std::string text = fmt::format("{}x{}x{}x{}", shape.blocks, shape.width, shape.heads, shape.inner);
  for (const SpeechShape::Convolution& one : shape.convolutions)
    text += fmt::format(" {}x{}x{}", one.channels, one.kernel, one.stride);
  text += fmt::format(" places={}x{}", shape.place_kernel, shape.place_groups);
  if (shape.group_norm) text += " group";
  if (shape.bias) text += " bias";
  if (shape.embedding_norm) text += " embedding_norm";
  if (shape.unit_variance) text += " unit_variance";
  return text;
}

SpeechShape speech_shape(const std::string& text) {
  constexpr const char* kWanted = "such as 12x768x12x3072 512x10x5 512x3x2 places=128x16 group embedding_norm";
  constexpr std::size_t kMostConvolutions = 32;
  const std::vector<std::string> words = split_text(text, ' ');
  const std::vector<int64_t> block = sizes_of(words.front(), 4);
  SpeechShape shape;
  shape.blocks = block[0], shape.width = block[1], shape.heads = block[2], shape.inner = block[3];
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("places=")) {
      const std::vector<int64_t> place = sizes_of(word.substr(word.find('=') + 1), 2);
      shape.place_kernel = place[0];
      shape.place_groups = place[1];
    } else if (word == "group") {
      shape.group_norm = true;
    } else if (word == "bias") {
      shape.bias = true;
    } else if (word == "embedding_norm") {
      shape.embedding_norm = true;
    } else if (word == "unit_variance") {
      shape.unit_variance = true;
    } else {
      const std::vector<int64_t> one = sizes_of(word, 3);
      if (one[0] == 0) refuse_shape(text, kWanted);
      shape.convolutions.push_back({one[0], one[1], one[2]});
    }
  }
  if (shape.blocks == 0 || shape.blocks > 200 || shape.width % shape.heads != 0 || shape.place_kernel == 0 ||
      shape.width % shape.place_groups != 0 || shape.convolutions.empty() ||
      shape.convolutions.size() > kMostConvolutions)
    refuse_shape(text, kWanted);
  return shape;
}

std::string to_text(const WhisperShape& shape) {
  return fmt::format("{}x{}x{}x{}x{}x{}", shape.blocks, shape.width, shape.heads, shape.inner, shape.bands,
                     shape.places);
}

WhisperShape whisper_shape(const std::string& text) {
  const std::vector<int64_t> sizes = sizes_of(text, 6);
  const WhisperShape shape{sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]};
  if (shape.blocks == 0 || shape.blocks > 200 || shape.width % shape.heads != 0)
    refuse_shape(text, "blocks x width x heads x inner width x bands x places, such as 4x384x6x1536x80x1500");
  return shape;
}

}  // namespace fewlabel
