// Vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929) in parts, for methods that see patches.
#pragma once
#include <torch/torch.h>

#include "nets/build.h"

namespace fewlabel {

/// Images as rows of patches: N × C × H × W → N × T × (C p p), row by row; an image that p does not divide is filled up
/// with zeros below and to the right. T = ⌈H / p⌉ ⌈W / p⌉.
Tensor patches_of(const Tensor& x, int64_t p);
/// The way back; what was filled up is cut off.
Tensor image_of(const Tensor& patches, int64_t p, const ImageShape& shape);

/// The fixed table of Vaswani et al. 2017 in two dimensions, as MAE has it: 1 × (rows columns) × width; one half of the
/// width tells the row, the other the column. width must be divisible by 4.
Tensor place_table(int64_t rows, int64_t columns, int64_t width);

/// Multi-head self-attention: tokens N × T × width → the same.
class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(int64_t width, int64_t heads);
  Tensor forward(const Tensor& tokens);

 private:
  int64_t heads_;
  GlorotLinear qkv_{nullptr}, out_{nullptr};
};
TORCH_MODULE(Attention);

/// x + attention(norm(x)), then y + mlp(norm(y)) (pre-norm); the mlp is four times as wide.
class TransformerBlockImpl : public torch::nn::Module {
 public:
  TransformerBlockImpl(int64_t width, int64_t heads);
  Tensor forward(const Tensor& tokens);

 private:
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Attention attention_{nullptr};
  GlorotLinear wide_{nullptr}, narrow_{nullptr};
};
TORCH_MODULE(TransformerBlock);

/// Blocks and a last layer norm: N × T × width → the same.
class TransformerImpl : public torch::nn::Module {
 public:
  TransformerImpl(int64_t width, int64_t depth, int64_t heads);
  Tensor forward(const Tensor& tokens);

 private:
  torch::nn::Sequential blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(Transformer);

/// There is no class token: the features are means of the last tokens, normed.
class Vit final : public NetModule {
 public:
  explicit Vit(const NetSpec& spec);
  Tensor features(const Tensor& x) override;
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return width_ * grid_ * grid_; }
  int64_t width() const { return width_; }

  int64_t patch() const { return patch_; }
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  /// Patches N × T × (C p p) with their places → tokens N × T × width.
  Tensor embed(const Tensor& patches) { return embed_->forward(patches) + places_; }
  /// Tokens, all or some of each image → the encoder's tokens.
  Tensor encode(const Tensor& tokens) { return transformer_->forward(tokens); }

 private:
  int64_t width_, grid_, patch_, rows_, columns_;
  GlorotLinear embed_{nullptr};
  Tensor places_;
  Transformer transformer_{nullptr};
  Head head_{nullptr};
};

}  // namespace fewlabel
