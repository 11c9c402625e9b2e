#include "methods/common/masking.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "nets/bert.h"

namespace fewlabel {

MaskedTexts mask_words(const Tensor& ids, const Masking& masking, int64_t vocabulary) {
  const auto options = ids.options().dtype(torch::kFloat);
  const Tensor chosen = torch::rand(ids.sizes(), options).lt(masking.share).logical_and(ids.ge(kSpecialTokens));
  const Tensor fate = torch::rand(ids.sizes(), options);
  const Tensor words = torch::randint(kSpecialTokens, vocabulary, ids.sizes(), ids.options());
  Tensor x = ids.masked_fill(chosen.logical_and(fate.lt(masking.hidden)), kMask);
  const Tensor other = fate.ge(masking.hidden).logical_and(fate.lt(masking.hidden + masking.random));
  return {torch::where(chosen.logical_and(other), words, x), chosen};
}

Tensor of_tokens(const Tensor& values, const Tensor& ids) { return values.masked_select(ids.ne(kPadding)); }

Tensor mean_or_zero(const Tensor& values) {
  return values.sum() / static_cast<double>(std::max<int64_t>(values.numel(), 1));
}

WordHeadImpl::WordHeadImpl(int64_t size, int64_t embedding, int64_t vocabulary)
    : dense_(register_module("dense", GlorotLinear(size, embedding))),
      norm_(register_module("norm", text_norm(embedding))),
      bias_(register_parameter("bias", torch::zeros({vocabulary}))) {}

Tensor WordHeadImpl::forward(const Tensor& tokens, const Tensor& embeddings) {
  const Tensor h = norm_->forward(torch::gelu(dense_->forward(tokens)).to(torch::kFloat));
  return torch::linear(h, embeddings, bias_).to(torch::kFloat);
}

TokenEncoder& token_encoder(NetModule& net, std::string_view method) {
  if (auto* encoder = dynamic_cast<TokenEncoder*>(&net)) return *encoder;
  throw Error(ErrorKind::usage, fmt::format("method {}", method),
              "the net says nothing of single tokens, so it cannot tell which ones are hidden", "use net=bert");
}

TokenEmbedding& token_embedding(NetModule& net, std::string_view method) {
  if (auto* embedding = dynamic_cast<TokenEmbedding*>(&net)) return *embedding;
  throw Error(ErrorKind::usage, fmt::format("method {}", method), "the net has no table of tokens to learn",
              fmt::format("use net={}", fmt::join(net_names(Kind::text), ", ")));
}

}  // namespace fewlabel
