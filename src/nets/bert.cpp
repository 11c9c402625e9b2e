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
constexpr int64_t kDistanceBuckets = 32, kFarthest = 128;  // of distances, one half for what comes before

/// T × T: the bucket of each key (second) as a query (first) sees it. Distances up to a quarter of the buckets have one
/// each, then buckets grow by a factor up to kFarthest.
Tensor distance_buckets(int64_t length) {
  const Tensor place = torch::arange(length, torch::kLong), away = place.unsqueeze(1) - place.unsqueeze(0);
  constexpr int64_t kHalf = kDistanceBuckets / 2, kExact = kHalf / 2;
  const double factor = std::log(static_cast<double>(kFarthest) / kExact);
  const Tensor distance = away.abs();
  const Tensor far = (distance.clamp_min(1).to(torch::kFloat) / kExact).log() / factor * (kHalf - kExact);
  const Tensor bucket =
      torch::where(distance < kExact, distance, (kExact + far.to(torch::kLong)).clamp(kExact, kHalf - 1));
  return bucket + away.lt(0).to(torch::kLong) * kHalf;
}

auto pool_of(const std::string& name) {
  return name == "first"           ? first_of_texts
         : name == "max"           ? max_of_texts
         : name == "mean_sqrt_len" ? root_mean_of_texts
                                   : mean_of_texts;
}

/// "6x384x12x1536": blocks, width, heads, inner width; a fifth number is the width of tokens before the blocks.
TextTransformerPlan plan_of_shape(const NetConfig& config) {
  std::vector<int64_t> numbers;
  for (const std::string& part : split_text(config.shape, 'x')) numbers.push_back(whole_number(part).value_or(0));
  const bool sound = (numbers.size() == 4 || numbers.size() == 5) &&
                     std::all_of(numbers.begin(), numbers.end(), [](int64_t n) { return n > 0 && n <= 1 << 16; }) &&
                     numbers[0] <= 200 && numbers[1] % numbers[2] == 0;
  if (!sound)
    throw Error(ErrorKind::usage, "net", "net.shape is '" + config.shape + "'",
                "give blocks x width x heads x inner width, of which the heads divide the width: 6x384x12x1536");
  TextTransformerPlan plan{.width = numbers[1], .depth = numbers[0], .heads = numbers[2], .inner = numbers[3]};
  if (numbers.size() == 5 && numbers[4] != plan.width) plan.embedding = numbers[4];
  return plan;
}

TextTransformerPlan text_plan(const NetConfig& config) {
  if (!config.shape.empty()) {
    TextTransformerPlan plan = plan_of_shape(config);
    plan.eps = config.eps;
    plan.norm_first = config.norm == "pre";
    plan.dropout = config.inner_dropout;
    plan.relative = config.name == "mpnet";
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
              .dropout = config.inner_dropout,
              .relative = config.name == "mpnet"};
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
  if (plan.relative) relative_ = register_module("relative", torch::nn::Embedding(kDistanceBuckets, plan.heads));
  dropout_ = register_module("dropout", InnerDropout(plan.dropout));
}

Tensor TextTransformerImpl::attention(Block& block, const Tensor& x, const TokenRows& tokens, const Tensor& relative) {
  return dropout_->forward(block.out->forward(attend(block.qkv->forward(x), tokens, plan_.heads, relative)));
}

Tensor TextTransformerImpl::perceptron(Block& block, const Tensor& x) {
  return dropout_->forward(block.narrow->forward(torch::gelu(block.wide->forward(x))));
}

Tensor TextTransformerImpl::forward(const Tensor& x, const TokenRows& tokens) {
  Tensor y = x, relative;
  if (relative_)
    relative = torch::embedding(relative_->weight, distance_buckets(tokens.length).to(x.device())).permute({2, 0, 1});
  for (Block& block : blocks_) {
    if (plan_.norm_first) {
      y = y + attention(block, block.norm1->forward(y), tokens, relative);
      y = y + perceptron(block, block.norm2->forward(y));
    } else {
      y = block.norm1->forward(y + attention(block, y, tokens, relative));
      y = block.norm2->forward(y + perceptron(block, y));
    }
  }
  return norm_ ? norm_->forward(y) : y;
}

Bert::Bert(const NetSpec& spec) : plan_(text_plan(spec.config)), pool_(pool_of(spec.config.pool)) {
  const int64_t narrow = plan_.embedding > 0 ? plan_.embedding : plan_.width;
  token_ = register_module("token", torch::nn::Embedding(spec.layout.vocabulary, narrow));
  place_ = register_module("place", torch::nn::Embedding(spec.layout.values(), narrow));
  // placed() gives it √width times what BERT does, so that eps counts as much as there.
  norm_ = register_module("norm", text_norm(narrow, plan_.eps * static_cast<double>(narrow)));
  if (plan_.embedding > 0) widen_ = register_module("widen", GlorotLinear(narrow, plan_.width));
  dropout_ = register_module("dropout", InnerDropout(plan_.dropout));
  transformer_ = register_module("transformer", TextTransformer(plan_));
  head_ = register_module("head", Head(spec, feature_size()));
}

Tensor Bert::placed(const TokenRows& tokens) {
  const double scale = std::sqrt(static_cast<double>(token_->weight.size(1)));
  const Tensor place = torch::embedding(place_->weight, tokens.place);
  const Tensor x = tokens.ids.defined() ? (torch::embedding(token_->weight, tokens.ids) + place) * scale
                                        : tokens.values + scale * place;
  const Tensor y = dropout_->forward(norm_->forward(x));
  return widen_ ? widen_->forward(y).to(torch::kFloat) : y;
}

Tensor Bert::features(const Tensor& x) {
  const TokenRows rows = token_rows(x);
  return pool_(encode(placed(rows), rows), rows);
}

Tensor Bert::tokens(const Tensor& x) {
  const TokenRows rows = token_rows(x);
  const Tensor last = encode(placed(rows), rows);
  return rows.packed ? last : last.index_select(0, rows.ids.ne(kPadding).nonzero().squeeze(1));
}

Net make_bert(const NetSpec& spec) { return std::make_shared<Bert>(spec); }

}  // namespace fewlabel
