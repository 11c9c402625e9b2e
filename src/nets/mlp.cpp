// Two hidden layers on the raw pixels; no batch norm, so each example stands alone.
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int64_t kWide = 512, kNarrow = 256;

class Mlp final : public NetModule {
 public:
  explicit Mlp(const NetSpec& spec) {
    first_ = register_module("first", torch::nn::Linear(spec.layout.values(), kWide));
    second_ = register_module("second", torch::nn::Linear(kWide, kNarrow));
    head_ = register_module("head", Head(spec, kNarrow));
  }
  Tensor features(const Tensor& x) override {
    return torch::relu(second_->forward(torch::relu(first_->forward(x.flatten(1)))));
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return kNarrow; }

 private:
  torch::nn::Linear first_{nullptr}, second_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_mlp(const NetSpec& spec) { return std::make_shared<Mlp>(spec); }

}  // namespace fewlabel
