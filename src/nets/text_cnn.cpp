// Convolutions over the words of a text, and of each filter its largest answer: Kim 2014, arXiv:1408.5882. Windows are
// centred on words, with zeros beyond the text, so that a text shorter than a window has features too.
#include "nets/build.h"
#include "nets/dropout.h"
#include "nets/tokens.h"

namespace fewlabel {
namespace {

constexpr int64_t kTokenSize = 128, kTextFilters = 128, kWindows[] = {3, 4, 5};

class TextCnn final : public NetModule, public TokenEmbedding {
 public:
  explicit TextCnn(const NetSpec& spec) {
    dropout_ = register_module("dropout", InnerDropout(spec.config.inner_dropout));
    token_ = register_module("token", torch::nn::Embedding(spec.layout.vocabulary, kTokenSize));
    for (const int64_t width : kWindows)
      conv_.push_back(register_module("conv" + std::to_string(width), torch::nn::Conv2d(torch::nn::Conv2dOptions(
                                                                          kTokenSize, kTextFilters, {1, width}))));
    head_ = register_module("head", Head(spec, feature_size()));
  }
  Tensor embed(const Tensor& x) override { return embedded_tokens(x, token_->weight); }
  Tensor noise(const Tensor& embedded) override { return token_noise(embedded); }
  Tensor features(const Tensor& x) override {
    const Tensor e = trimmed(x.is_floating_point() ? x : embed(x));
    const Tensor weight = e.detach().slice(2, kTokenSize).clamp_min(0);  // N × T × 1
    const Tensor values = dropout_->forward(e.slice(2, 0, kTokenSize) * weight.gt(0));
    // As a picture one pixel high whose channels are the embedding: in memory it already is one.
    const Tensor map = values.unsqueeze(1).permute({0, 3, 1, 2});
    std::vector<Tensor> largest;
    for (std::size_t i = 0; i < conv_.size(); ++i) {
      const int64_t before = (kWindows[i] - 1) / 2;
      const Tensor y = conv_[i]->forward(torch::constant_pad_nd(map, {before, kWindows[i] - 1 - before}));
      largest.push_back((torch::relu(y) * weight.permute({0, 2, 1}).unsqueeze(2)).amax({2, 3}));
    }
    return torch::cat(largest, 1).to(torch::kFloat);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return kTextFilters * static_cast<int64_t>(std::size(kWindows)); }
  const Tensor& embedding_weight() const override { return token_->weight; }

 private:
  /// Without the places that are padding in all texts; at least one stays.
  static Tensor trimmed(const Tensor& e) {
    if (!e.device().is_cpu()) return e;
    const Tensor used = e.detach().select(2, kTokenSize).gt(0).any(0).nonzero();
    return e.slice(1, 0, used.size(0) > 0 ? used.max().item<int64_t>() + 1 : 1);
  }

  InnerDropout dropout_{nullptr};
  torch::nn::Embedding token_{nullptr};
  std::vector<torch::nn::Conv2d> conv_;
  Head head_{nullptr};
};

}  // namespace

Net make_text_cnn(const NetSpec& spec) { return std::make_shared<TextCnn>(spec); }

}  // namespace fewlabel
