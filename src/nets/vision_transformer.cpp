// Vision transformers as others have trained them: ViT (Dosovitskiy et al. 2021, arXiv:2010.11929), DeiT (Touvron et
// al. 2021, arXiv:2012.12877), DINOv2 (Oquab et al. 2023, arXiv:2304.07193; Darcet et al. 2024, arXiv:2309.16588), and
// the towers for images of CLIP (Radford et al. 2021, arXiv:2103.00020) and SigLIP (Zhai et al. 2023,
// arXiv:2303.15343). In place of vit.h's fixed table the places are learnt, tokens of their own may stand in front of
// those of the patches, and what was trained decides what is made: core/vision_shape.h.
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/vision_shape.h"
#include "fewlabel/error.h"
#include "nets/build.h"
#include "nets/tokens.h"
#include "nets/vit.h"

namespace fewlabel {
namespace {

constexpr int64_t kTokensTogether = 512;  // whose numbers within a block a processor keeps near

VisionShape shape_in(const NetSpec& spec) {
  const auto shape = vision_shape(spec.config.shape);
  if (!shape)
    throw Error(ErrorKind::usage, "net", "net.shape is '" + spec.config.shape + "', which is no vision transformer",
                "leave it to encoder=FOLDER");
  for (const int64_t side : {int64_t{spec.shape.height}, int64_t{spec.shape.width}})
    if (side % shape->patch != 0) {
      const int64_t below = side / shape->patch * shape->patch;
      throw Error(
          ErrorKind::usage, "data.size",
          fmt::format("= {}: the encoder sees patches of {} pixels, of which that is no multiple", side, shape->patch),
          fmt::format("give {}{}", below > 0 ? fmt::format("{} or ", below) : "", below + shape->patch));
    }
  return *shape;
}

torch::nn::LayerNorm vision_norm(const NetSpec& spec, int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(spec.config.eps));
}

Tensor activated(const Tensor& x, const std::string& activation) {
  if (activation == "quick_gelu") return x * torch::sigmoid(1.702 * x);
  if (activation == "swiglu") {
    const auto halves = x.chunk(2, -1);
    return torch::silu(halves[0]) * halves[1];
  }
  return torch::gelu(x, activation == "gelu_tanh" ? "tanh" : "none");
}

/// N × k × W queries look at N × T × 2W keys and values → N × k × W.
Tensor looked_at(const Tensor& query, const Tensor& key_value, int64_t heads) {
  const int64_t n = key_value.size(0), width = query.size(2), each = width / heads;
  const Tensor q = query.view({n, query.size(1), heads, each}).transpose(1, 2);
  const auto parts = key_value.view({n, key_value.size(1), 2, heads, each}).permute({2, 0, 3, 1, 4}).unbind(0);
  const Tensor scores = torch::matmul(q * (1.0 / std::sqrt(static_cast<double>(each))), parts[0].transpose(2, 3));
  const Tensor p = torch::softmax(scores.to(torch::kFloat), 3).to(parts[1].scalar_type());
  return torch::matmul(p, parts[1]).transpose(1, 2).reshape({n, query.size(1), width});
}

/// The mean over the tokens that one learnt query makes, and a perceptron (SigLIP's multihead attention pooling).
class AttentionPoolingImpl : public torch::nn::Module {
 public:
  AttentionPoolingImpl(const NetSpec& spec, const VisionShape& shape) : shape_(shape) {
    query_ = register_parameter("query", torch::zeros({1, shape.width}));
    qkv_ = register_module("qkv", GlorotLinear(shape.width, 3 * shape.width));
    out_ = register_module("out", GlorotLinear(shape.width, shape.width));
    norm_ = register_module("norm", vision_norm(spec, shape.width));
    wide_ = register_module("wide", GlorotLinear(shape.width, shape.inner));
    narrow_ = register_module("narrow", GlorotLinear(shape.inner, shape.width));
  }
  /// N × T × W → N × W.
  Tensor forward(const Tensor& tokens) {
    const int64_t width = shape_.width;
    const auto part = [&](const Tensor& x, int64_t first, int64_t last) {
      return torch::linear(x, qkv_->weight.slice(0, first * width, last * width),
                           qkv_->bias.slice(0, first * width, last * width));
    };
    const Tensor query = part(query_, 0, 1).expand({tokens.size(0), 1, width});
    const Tensor y = out_->forward(looked_at(query, part(tokens, 1, 3), shape_.heads).flatten(0, 1));
    return y + narrow_->forward(activated(wide_->forward(norm_->forward(y)), shape_.activation));
  }

 private:
  VisionShape shape_;
  Tensor query_;
  GlorotLinear qkv_{nullptr}, out_{nullptr}, wide_{nullptr}, narrow_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(AttentionPooling);

class VisionTransformer final : public NetModule {
 public:
  explicit VisionTransformer(const NetSpec& spec) : shape_(shape_in(spec)) {
    const int64_t width = shape_.width, patch = shape_.patch;
    const int64_t patches = (spec.shape.height / patch) * (spec.shape.width / patch);
    patch_ = register_module("patch", GlorotLinear(spec.shape.channels * patch * patch, width));
    if (shape_.tokens > 0) token_ = register_module("token", torch::nn::Embedding(shape_.tokens, width));
    place_ = register_module("place", torch::nn::Embedding(patches, width));
    if (shape_.norm_first) first_norm_ = register_module("first_norm", vision_norm(spec, width));
    for (int64_t i = 0; i < shape_.blocks; ++i) blocks_.push_back(make_block(spec, fmt::format("block{}_", i)));
    norm_ = register_module("norm", vision_norm(spec, width));
    if (shape_.features == "attention") pooling_ = register_module("pooling", AttentionPooling(spec, shape_));
    head_ = register_module("head", Head(spec, width));
  }

  Tensor features(const Tensor& x) override {
    const bool plain = !at::GradMode::is_enabled() && x.device().is_cpu() && !at::autocast::is_cpu_enabled();
    return plain ? features_by_pieces(x) : seen(x);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return shape_.width; }

 private:
  struct Block {
    torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
    GlorotLinear qkv{nullptr}, out{nullptr}, wide{nullptr}, narrow{nullptr};
    Tensor scale1, scale2;  // W; undefined where there is none
  };
  Block make_block(const NetSpec& spec, const std::string& at) {
    const int64_t width = shape_.width, inner = shape_.inner;
    Block block{register_module(at + "norm1", vision_norm(spec, width)),
                register_module(at + "norm2", vision_norm(spec, width)),
                register_module(at + "qkv", GlorotLinear(width, 3 * width)),
                register_module(at + "out", GlorotLinear(width, width)),
                register_module(at + "wide", GlorotLinear(width, shape_.activation == "swiglu" ? 2 * inner : inner)),
                register_module(at + "narrow", GlorotLinear(inner, width)),
                {},
                {}};
    if (shape_.layer_scale) {
      block.scale1 = register_parameter(at + "scale1", torch::ones({width}));
      block.scale2 = register_parameter(at + "scale2", torch::ones({width}));
    }
    return block;
  }

  /// Each thread takes whole images, a few at a time: what a block makes of them stays near the processor, and no
  /// thread waits for another after every layer.
  Tensor features_by_pieces(const Tensor& x) {
    const int64_t count = x.size(0), threads = at::get_num_threads();
    const int64_t tokens = shape_.tokens + place_->weight.size(0);
    const int64_t share = count >= threads ? count / threads : count;  // few images: all threads on each layer
    const std::vector<Tensor> images =
        x.split(std::clamp<int64_t>(kTokensTogether / tokens, 1, std::max<int64_t>(share, 1)));
    std::vector<Tensor> parts(images.size());
    const auto number = static_cast<int64_t>(images.size());
    at::parallel_for(0, number, count >= threads ? 1 : std::max<int64_t>(number, 1), [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_grad;  // the thread's own
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) parts[i] = seen(images[i]);
    });
    return torch::cat(parts);
  }
  /// N × C × H × W → N × width.
  Tensor seen(const Tensor& x) {
    const int64_t n = x.size(0), width = shape_.width;
    Tensor y = patch_->forward(patches_of(x, shape_.patch)) + place_->weight;
    if (token_) y = torch::cat({token_->weight.expand({n, shape_.tokens, width}), y}, 1);
    const TokenRows rows = rows_of(y);
    y = y.reshape({-1, width}).to(torch::kFloat);
    if (first_norm_) y = first_norm_->forward(y);
    const bool all = static_cast<bool>(pooling_);
    for (std::size_t i = 0; i + 1 < blocks_.size() || (all && i < blocks_.size()); ++i)
      y = through(blocks_[i], y, rows);
    if (all) return pooling_->forward(norm_->forward(y).view({n, -1, width}));
    y = norm_->forward(of_first(blocks_.back(), y.view({n, -1, width}), shape_.features == "distilled" ? 2 : 1));
    return shape_.features == "distilled" ? y.view({n, 2, width}).mean(1) : y;
  }
  Tensor through(Block& block, const Tensor& x, const TokenRows& rows) {
    const Tensor seen = attend(block.qkv->forward(block.norm1->forward(x)), rows, shape_.heads);
    return thought_over(block, x, seen);
  }
  /// The same for the first k tokens of N × T × W, which is all that is needed of the last block → N k × W.
  Tensor of_first(Block& block, const Tensor& x, int64_t k) {
    const int64_t width = shape_.width;
    const Tensor normed = block.norm1->forward(x), &weight = block.qkv->weight, &bias = block.qkv->bias;
    const Tensor query =
        torch::linear(normed.slice(1, 0, k).contiguous(), weight.slice(0, 0, width), bias.slice(0, 0, width));
    const Tensor rest = torch::linear(normed, weight.slice(0, width), bias.slice(0, width));
    return thought_over(block, x.slice(1, 0, k).reshape({-1, width}),
                        looked_at(query, rest, shape_.heads).flatten(0, 1));
  }
  /// What comes after attention.
  Tensor thought_over(Block& block, const Tensor& x, const Tensor& seen) {
    const Tensor y = x + scaled(block.out->forward(seen), block.scale1);
    const Tensor wide = activated(block.wide->forward(block.norm2->forward(y)), shape_.activation);
    return y + scaled(block.narrow->forward(wide), block.scale2);
  }
  static Tensor scaled(const Tensor& x, const Tensor& scale) { return scale.defined() ? x * scale : x; }

  /// Of images there are as many tokens as of each other.
  static TokenRows rows_of(const Tensor& y) {
    TokenRows rows;
    rows.texts = y.size(0);
    rows.length = y.size(1);
    rows.packed = y.device().is_cpu();
    for (int64_t i = 0; rows.packed && i <= rows.texts; ++i) rows.starts.push_back(i * rows.length);
    return rows;
  }

  VisionShape shape_;
  GlorotLinear patch_{nullptr};
  torch::nn::Embedding token_{nullptr}, place_{nullptr};
  std::vector<Block> blocks_;
  torch::nn::LayerNorm first_norm_{nullptr}, norm_{nullptr};
  AttentionPooling pooling_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_vision_transformer(const NetSpec& spec) { return std::make_shared<VisionTransformer>(spec); }

}  // namespace fewlabel
