// Logistic regression on the raw pixels: what any other net must beat.
#include "nets/build.h"

namespace fewlabel {
namespace {

class LinearNet final : public NetModule {
 public:
  explicit LinearNet(const NetSpec& spec) : pixels_(spec.layout.values()) {
    head_ = register_module("head", Head(spec, pixels_));
  }
  Tensor features(const Tensor& x) override { return x.flatten(1); }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return pixels_; }

 private:
  int64_t pixels_;
  Head head_{nullptr};
};

}  // namespace

Net make_linear(const NetSpec& spec) { return std::make_shared<LinearNet>(spec); }

}  // namespace fewlabel
