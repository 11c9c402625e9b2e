// BERT (Devlin et al. 2019, arXiv:1810.04805) in parts, for methods that learn from tokens.
#pragma once
#include <torch/torch.h>

#include "nets/build.h"
#include "nets/dropout.h"
#include "nets/tokens.h"

namespace fewlabel {

struct TextTransformerPlan {
  int64_t width = 128, depth = 2, heads = 2;
  int64_t inner = 512;  // width of the layer in a block's second part
  double eps = 1e-12;   // of layer norms
  bool norm_first = true;
  double dropout = 0.1;   // of what each part of a block adds
  int64_t embedding = 0;  // width of tokens before they are brought to `width`; 0: they have it
  bool relative = false;  // attention also knows how far apart two tokens are
};

/// Blocks of attention and a wider layer (GELU), each added to what it was given. norm_first: layer norm
/// before each part and after the last block (pre-norm, Xiong et al. 2020, arXiv:2002.04745), else after each sum, as
/// BERT has it. relative: all blocks share a table that says how much a head looks at what is so far away, by 32
/// buckets of distances (T5, Raffel et al. 2020, arXiv:1910.10683, section 2.1).
class TextTransformerImpl : public torch::nn::Module {
 public:
  explicit TextTransformerImpl(const TextTransformerPlan& plan);
  /// rows × width → the same; fp32.
  Tensor forward(const Tensor& x, const TokenRows& tokens);

 private:
  struct Block {
    torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
    GlorotLinear qkv{nullptr}, out{nullptr}, wide{nullptr}, narrow{nullptr};
  };
  Tensor attention(Block& block, const Tensor& x, const TokenRows& tokens, const Tensor& relative);
  Tensor perceptron(Block& block, const Tensor& x);

  TextTransformerPlan plan_;
  std::vector<Block> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Embedding relative_{nullptr};  // buckets × heads
  InnerDropout dropout_{nullptr};
};
TORCH_MODULE(TextTransformer);

torch::nn::LayerNorm text_norm(int64_t width, double eps = 1e-12);

/// BERT and its kin: net.name = mpnet has relative places in its attention (Song et al. 2020, arXiv:2004.09297), and
/// tokens may be narrower than blocks, as ELECTRA has them (Clark et al. 2020, arXiv:2003.10555).
class Bert final : public NetModule, public TokenEmbedding, public TokenEncoder {
 public:
  explicit Bert(const NetSpec& spec);
  Tensor embed(const Tensor& x) override { return embedded_tokens(x, token_->weight); }
  Tensor noise(const Tensor& embedded) override { return token_noise(embedded); }
  Tensor features(const Tensor& x) override;
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return plan_.width; }
  Tensor tokens(const Tensor& x) override;
  int64_t token_size() const override { return plan_.width; }
  const Tensor& embedding_weight() const override { return token_->weight; }

  const TextTransformerPlan& plan() const { return plan_; }
  /// Tokens with their places, normed: rows × width. What the first block is given.
  Tensor placed(const TokenRows& tokens);
  /// The same for `tokens` → what the last block gives.
  Tensor encode(const Tensor& x, const TokenRows& tokens) { return transformer_->forward(x, tokens); }

 private:
  TextTransformerPlan plan_;
  Tensor (*pool_)(const Tensor& rows, const TokenRows& tokens);
  torch::nn::Embedding token_{nullptr}, place_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  GlorotLinear widen_{nullptr};  // where tokens are narrower than blocks
  InnerDropout dropout_{nullptr};
  TextTransformer transformer_{nullptr};
  Head head_{nullptr};
};

}  // namespace fewlabel
