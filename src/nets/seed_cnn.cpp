// The smallest sensible convolutional net: one convolution of 32 filters, one pooling, one dense layer.
#include "kernels/pooled_convolution.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int64_t kFilters = 32;

class SeedCnn final : public NetModule {
 public:
  explicit SeedCnn(const NetSpec& spec)
      : feature_size_(kFilters * ((spec.shape.height - 2) / 2) * ((spec.shape.width - 2) / 2)) {
    conv_ = register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(spec.shape.channels, kFilters, 3)));
    head_ = register_module("head", Head(spec, feature_size_));
  }
  Tensor features(const Tensor& x) override { return kernels::convolve_and_pool(x, conv_).flatten(1); }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return feature_size_; }

 private:
  int64_t feature_size_;
  torch::nn::Conv2d conv_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_seed_cnn(const NetSpec& spec) { return std::make_shared<SeedCnn>(spec); }

}  // namespace fewlabel
