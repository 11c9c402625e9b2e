// What any other net of texts must beat: the mean of what each token and each pair of neighbours says, whatever their
// order otherwise, under a linear head. fastText (Joulin et al. 2017, arXiv:1607.01759): pairs share the rows of a
// table by their hash.
#include <cmath>

#include "nets/build.h"
#include "nets/dropout.h"
#include "nets/tokens.h"

namespace fewlabel {
namespace {

constexpr int64_t kBagSize = 64, kBuckets = 1 << 15, kHalf = int64_t{1} << 31;

/// N × T ids → the bucket of each token with the one before it; the first has padding before it.
Tensor pairs(const Tensor& ids) {
  const Tensor before = torch::constant_pad_nd(ids.slice(1, 0, -1), {1, 0}, kPadding);
  // Knuth's multiplicative hash: of the lower half of the product the upper bits are the mixed ones.
  const Tensor product = (before * 31337 + ids).remainder(kHalf) * int64_t{2654435761};
  return product.remainder(2 * kHalf).div(2 * kHalf / kBuckets, "floor");
}

class Bag final : public NetModule, public TokenEmbedding {
 public:
  explicit Bag(const NetSpec& spec) {
    dropout_ = register_module("dropout", InnerDropout(spec.config.inner_dropout));
    token_ = register_module("token", torch::nn::Embedding(spec.layout.vocabulary, kBagSize));
    pair_ = register_module("pair", torch::nn::Embedding(kBuckets, kBagSize));
    head_ = register_module("head", Head(spec, feature_size()));
  }
  /// A token and the pair that it ends stand side by side: pairs cannot be told from tokens that were moved or mixed.
  Tensor embed(const Tensor& x) override {
    const Tensor ids = x.to(torch::kLong), token = embedded_tokens(ids, token_->weight);
    const Tensor pair = torch::embedding(pair_->weight, pairs(ids)) * std::sqrt(static_cast<double>(kBagSize));
    const Tensor there = token.slice(2, kBagSize);
    return torch::cat({token.slice(2, 0, kBagSize), pair * there, there}, 2);
  }
  Tensor noise(const Tensor& embedded) override { return token_noise(embedded); }
  Tensor features(const Tensor& x) override {
    const Tensor e = x.is_floating_point() ? x : embed(x);
    const Tensor weight = e.detach().slice(2, 2 * kBagSize).clamp_min(0);
    const Tensor values = dropout_->forward(e.slice(2, 0, 2 * kBagSize) * weight.gt(0));
    return values.sum(1) / weight.sum(1).clamp_min(1e-30);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return 2 * kBagSize; }
  const Tensor& embedding_weight() const override { return token_->weight; }

 private:
  InnerDropout dropout_{nullptr};
  torch::nn::Embedding token_{nullptr}, pair_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_bag(const NetSpec& spec) { return std::make_shared<Bag>(spec); }

}  // namespace fewlabel
