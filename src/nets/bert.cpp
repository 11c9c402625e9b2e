#include "nets/bert.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

struct TextSize {
  const char* name;
  int64_t width, depth;
};
// The miniatures of Turc et al. 2019 (arXiv:1908.08962), who call the first one tiny, and BERT's base. 64 to a head.
constexpr std::array<TextSize, 5> kTextSizes{
    {{"micro", 128, 2}, {"mini", 256, 4}, {"small", 512, 4}, {"medium", 512, 8}, {"base", 768, 12}}};
constexpr int64_t kHeadSize = 64;

/// "6x384x12x1536": blocks, width, heads, inner width.
TextTransformerPlan plan_of_shape(const NetConfig& config) {
  std::vector<int64_t> numbers;
  for (const std::string& part : split_text(config.shape, 'x')) numbers.push_back(whole_number(part).value_or(0));
  const bool sound = numbers.size() == 4 &&
                     std::all_of(numbers.begin(), numbers.end(), [](int64_t n) { return n > 0 && n <= 1 << 16; }) &&
                     numbers[0] <= 200 && numbers[1] % numbers[2] == 0;
  if (!sound)
    throw Error(ErrorKind::usage, "net", "net.shape is '" + config.shape + "'",
                "give blocks x width x heads x inner width, of which the heads divide the width: 6x384x12x1536");
  return {.width = numbers[1], .depth = numbers[0], .heads = numbers[2], .inner = numbers[3]};
}

TextTransformerPlan text_plan(const NetConfig& config) {
  if (!config.shape.empty()) {
    TextTransformerPlan plan = plan_of_shape(config);
    plan.eps = config.eps;
    plan.norm_first = config.norm == "pre";
    plan.dropout = config.inner_dropout;
    return plan;
  }
  for (const TextSize& size : kTextSizes)
    if (config.size == size.name)
      return {.width = size.width,
              .depth = size.depth,
              .heads = size.width / kHeadSize,
              .inner = 4 * size.width,
              .eps = config.eps,
              .norm_first = config.norm == "pre",
              .dropout = config.inner_dropout};
  std::vector<std::string> names;
  for (const TextSize& size : kTextSizes) names.emplace_back(size.name);
  throw Error(ErrorKind::usage, "net", "there is no bert of size '" + config.size + "'",
              suggestion(config.size, names));
}

}  // namespace

torch::nn::LayerNorm text_norm(int64_t width, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(eps));
}

TextTransformerImpl::TextTransformerImpl(const TextTransformerPlan& plan) : plan_(plan) {
  const int64_t width = plan.width;
  for (int64_t i = 0; i < plan.depth; ++i) {
    const std::string at = "block" + std::to_string(i) + "_";
    blocks_.push_back({register_module(at + "norm1", text_norm(width, plan.eps)),
                       register_module(at + "norm2", text_norm(width, plan.eps)),
                       register_module(at + "qkv", GlorotLinear(width, 3 * width)),
                       register_module(at + "out", GlorotLinear(width, width)),
                       register_module(at + "wide", GlorotLinear(width, plan.inner)),
                       register_module(at + "narrow", GlorotLinear(plan.inner, width))});
  }
  if (plan.norm_first) norm_ = register_module("norm", text_norm(width, plan.eps));
  dropout_ = register_module("dropout", InnerDropout(plan.dropout));
}

Tensor TextTransformerImpl::attention(Block& block, const Tensor& x, const TokenRows& tokens) {
  return dropout_->forward(block.out->forward(attend(block.qkv->forward(x), tokens, plan_.heads)));
}

Tensor TextTransformerImpl::perceptron(Block& block, const Tensor& x) {
  return dropout_->forward(block.narrow->forward(torch::gelu(block.wide->forward(x))));
}

Tensor TextTransformerImpl::forward(const Tensor& x, const TokenRows& tokens) {
  Tensor y = x;
  for (Block& block : blocks_) {
    if (plan_.norm_first) {
      y = y + attention(block, block.norm1->forward(y), tokens);
      y = y + perceptron(block, block.norm2->forward(y));
    } else {
      y = block.norm1->forward(y + attention(block, y, tokens));
      y = block.norm2->forward(y + perceptron(block, y));
    }
  }
  return norm_ ? norm_->forward(y) : y;
}

Bert::Bert(const NetSpec& spec) : plan_(text_plan(spec.config)), first_(spec.config.pool == "first") {
  token_ = register_module("token", torch::nn::Embedding(spec.layout.vocabulary, plan_.width));
  place_ = register_module("place", torch::nn::Embedding(spec.layout.values(), plan_.width));
  // placed() gives it √width times what BERT does, so that eps counts as much as there.
  norm_ = register_module("norm", text_norm(plan_.width, plan_.eps * static_cast<double>(plan_.width)));
  dropout_ = register_module("dropout", InnerDropout(plan_.dropout));
  transformer_ = register_module("transformer", TextTransformer(plan_));
  head_ = register_module("head", Head(spec, feature_size()));
}

Tensor Bert::placed(const TokenRows& tokens) {
  const double scale = std::sqrt(static_cast<double>(plan_.width));
  const Tensor place = torch::embedding(place_->weight, tokens.place);
  const Tensor x = tokens.ids.defined() ? (torch::embedding(token_->weight, tokens.ids) + place) * scale
                                        : tokens.values + scale * place;
  return dropout_->forward(norm_->forward(x));
}

Tensor Bert::features(const Tensor& x) {
  const TokenRows rows = token_rows(x);
  const Tensor last = encode(placed(rows), rows);
  return first_ ? first_of_texts(last, rows) : mean_of_texts(last, rows);
}

Tensor Bert::tokens(const Tensor& x) {
  const TokenRows rows = token_rows(x);
  const Tensor last = encode(placed(rows), rows);
  return rows.packed ? last : last.index_select(0, rows.ids.ne(kPadding).nonzero().squeeze(1));
}

Net make_bert(const NetSpec& spec) { return std::make_shared<Bert>(spec); }

}  // namespace fewlabel
