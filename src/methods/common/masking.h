// What methods that learn from hidden words share.
#pragma once
#include <torch/torch.h>

#include "fewlabel/method.h"
#include "nets/initialise.h"

namespace fewlabel {

/// Texts with some of their words hidden. A word is a token after the special ones (fewlabel/layout.h).
struct MaskedTexts {
  Tensor x;       // ids N × T
  Tensor chosen;  // bool N × T: words that were chosen, whatever stands there now
};
struct Masking {
  double share = 0.15;  // of the words that are chosen
  double hidden = 0.8;  // of the chosen that become kMask
  double random = 0.1;  // of the chosen that become some word; the others stay what they are
};
/// Draws from torch's global generator.
MaskedTexts mask_words(const Tensor& ids, const Masking& masking, int64_t vocabulary);

/// N × T → P of the tokens that are no padding, in the order of TokenEncoder::tokens().
Tensor of_tokens(const Tensor& values, const Tensor& ids);

/// The sum over `count` values, as a mean; 0 where there are none.
Tensor mean_or_zero(const Tensor& values);

/// From what an encoder says of tokens to logits of words: linear, GELU, layer norm, and the rows that tokens are
/// embedded by as the output layer, with a bias of its own (BERT's authors' code).
class WordHeadImpl : public torch::nn::Module {
 public:
  /// `size` numbers a token in; embeddings have `embedding`.
  WordHeadImpl(int64_t size, int64_t embedding, int64_t vocabulary);
  /// P × size, vocabulary × embedding → P × vocabulary, fp32.
  Tensor forward(const Tensor& tokens, const Tensor& embeddings);

 private:
  GlorotLinear dense_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  Tensor bias_;
};
TORCH_MODULE(WordHead);

/// Of a net that says something of every token; throws Error{usage} with the names of such where it does not.
TokenEncoder& token_encoder(NetModule& net, std::string_view method);
/// Of a net that has a row for each token; the same.
TokenEmbedding& token_embedding(NetModule& net, std::string_view method);

}  // namespace fewlabel
