#include "nets/vit.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "fewlabel/error.h"

namespace fewlabel {
namespace {

struct Size {
  const char* name;
  int64_t width, depth, heads;
};
// tiny and small are those of DeiT (Touvron et al. 2021, arXiv:2012.12877); micro is for small images without a GPU.
constexpr std::array<Size, 3> kSizes{{{"micro", 128, 4, 4}, {"tiny", 192, 12, 3}, {"small", 384, 12, 6}}};
constexpr int64_t kSmallSide = 64, kPatchesASide = 8, kSmallestPatch = 2, kLargePatch = 16;

Size size_of(const std::string& name) {
  for (const Size& size : kSizes)
    if (name == size.name) return size;
  throw Error(ErrorKind::usage, "net", "there is no vit of size '" + name + "'",
              suggestion(name, {"micro", "tiny", "small"}));
}

int64_t patch_of(const NetSpec& spec) {
  const int64_t side = std::min(spec.shape.height, spec.shape.width);
  const int64_t eighth = std::max((side + kPatchesASide / 2) / kPatchesASide, kSmallestPatch);
  const int64_t patch = spec.config.patch > 0 ? spec.config.patch : side <= kSmallSide ? eighth : kLargePatch;
  if (patch > side)
    throw Error(ErrorKind::usage, "net",
                "patches of " + std::to_string(patch) + " pixels do not fit into images of " + std::to_string(side),
                "use a smaller net.patch; 0 picks one");
  return patch;
}

int64_t parts(int64_t side, int64_t patch) { return (side + patch - 1) / patch; }

torch::nn::LayerNorm layer_norm(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-6));
}

/// positions T → T × width: sines, then cosines, of position / 10000^(2i / width).
Tensor waves(const Tensor& positions, int64_t width) {
  const Tensor frequency =
      torch::pow(10000.0, -torch::arange(0, width, 2, torch::kDouble) / static_cast<double>(width));
  const Tensor angle = positions.unsqueeze(1) * frequency;
  return torch::cat({angle.sin(), angle.cos()}, 1);
}

}  // namespace

Tensor patches_of(const Tensor& x, int64_t p) {
  const int64_t n = x.size(0), c = x.size(1), rows = parts(x.size(2), p), columns = parts(x.size(3), p);
  const Tensor full = torch::constant_pad_nd(x, {0, columns * p - x.size(3), 0, rows * p - x.size(2)});
  return full.view({n, c, rows, p, columns, p}).permute({0, 2, 4, 1, 3, 5}).reshape({n, rows * columns, c * p * p});
}

Tensor image_of(const Tensor& patches, int64_t p, const ImageShape& shape) {
  const int64_t n = patches.size(0), rows = parts(shape.height, p), columns = parts(shape.width, p);
  return patches.view({n, rows, columns, shape.channels, p, p})
      .permute({0, 3, 1, 4, 2, 5})
      .reshape({n, shape.channels, rows * p, columns * p})
      .slice(2, 0, shape.height)
      .slice(3, 0, shape.width);
}

Tensor place_table(int64_t rows, int64_t columns, int64_t width) {
  const Tensor row = torch::arange(rows, torch::kDouble).repeat_interleave(columns);
  const Tensor column = torch::arange(columns, torch::kDouble).repeat({rows});
  return torch::cat({waves(column, width / 2), waves(row, width / 2)}, 1).to(torch::kFloat).unsqueeze(0);
}

AttentionImpl::AttentionImpl(int64_t width, int64_t heads) : heads_(heads) {
  qkv_ = register_module("qkv", GlorotLinear(width, 3 * width));
  out_ = register_module("out", GlorotLinear(width, width));
}

Tensor AttentionImpl::forward(const Tensor& tokens) {
  const int64_t n = tokens.size(0), t = tokens.size(1), width = tokens.size(2), each = width / heads_;
  const auto qkv = qkv_->forward(tokens).view({n, t, 3, heads_, each}).permute({2, 0, 3, 1, 4}).unbind(0);
  const Tensor scores = torch::matmul(qkv[0] * (1.0 / std::sqrt(static_cast<double>(each))), qkv[1].transpose(2, 3));
  return out_->forward(torch::matmul(torch::softmax(scores, 3), qkv[2]).transpose(1, 2).reshape({n, t, width}));
}

TransformerBlockImpl::TransformerBlockImpl(int64_t width, int64_t heads) {
  norm1_ = register_module("norm1", layer_norm(width));
  attention_ = register_module("attention", Attention(width, heads));
  norm2_ = register_module("norm2", layer_norm(width));
  wide_ = register_module("wide", GlorotLinear(width, 4 * width));
  narrow_ = register_module("narrow", GlorotLinear(4 * width, width));
}

Tensor TransformerBlockImpl::forward(const Tensor& tokens) {
  const Tensor y = tokens + attention_->forward(norm1_->forward(tokens));
  return y + narrow_->forward(torch::gelu(wide_->forward(norm2_->forward(y))));
}

TransformerImpl::TransformerImpl(int64_t width, int64_t depth, int64_t heads) {
  for (int64_t i = 0; i < depth; ++i) blocks_->push_back(TransformerBlock(width, heads));
  register_module("blocks", blocks_);
  norm_ = register_module("norm", layer_norm(width));
}

Tensor TransformerImpl::forward(const Tensor& tokens) { return norm_->forward(blocks_->forward(tokens)); }

Vit::Vit(const NetSpec& spec)
    : width_(size_of(spec.config.size).width),
      grid_(spec.config.grid),
      patch_(patch_of(spec)),
      rows_(parts(spec.shape.height, patch_)),
      columns_(parts(spec.shape.width, patch_)) {
  const Size size = size_of(spec.config.size);
  embed_ = register_module("embed", GlorotLinear(spec.shape.channels * patch_ * patch_, width_));
  places_ = register_buffer("places", place_table(rows_, columns_, width_));
  transformer_ = register_module("transformer", Transformer(width_, size.depth, size.heads));
  head_ = register_module("head", Head(spec, feature_size()));
}

Tensor Vit::features(const Tensor& x) {
  const Tensor tokens = encode(embed(patches_of(x, patch_)));
  return pool_to_grid(tokens.transpose(1, 2).unflatten(2, {rows_, columns_}), grid_);
}

Net make_vit(const NetSpec& spec) { return std::make_shared<Vit>(spec); }

}  // namespace fewlabel
