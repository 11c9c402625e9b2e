// Depthwise convolutions and those with the norm folded in, against libtorch's in fp64, at awkward sizes.
#include "kernels/separable_convolution.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "kernels/comparing.h"
#include "kernels/convolution.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;

constexpr double kNear = 5e-6;

Tensor random(at::IntArrayRef sizes) {
  return torch::randn(sizes, torch::kDouble).to(torch::kFloat).contiguous(torch::MemoryFormat::ChannelsLast);
}

struct DepthwiseCase {
  int64_t images, channels, height, width, kernel, stride;
  Border border;
};
void PrintTo(const DepthwiseCase& at, std::ostream* out) {
  *out << at.images << " x " << at.channels << " x " << at.height << " x " << at.width << ", k " << at.kernel
       << ", stride " << at.stride;
}

/// By the definition.
Tensor plain(const Tensor& x, const Tensor& weight, int64_t stride, const Border& border) {
  const Tensor wide = torch::constant_pad_nd(x, {border.left, border.right, border.top, border.bottom});
  return at::convolution(wide, weight, {}, {stride, stride}, {0, 0}, {1, 1}, false, {0, 0}, weight.size(0));
}

/// y, then the gradients of x and the weights.
template <typename F>
std::vector<Tensor> derived(const F& convolution, const DepthwiseCase& at, torch::ScalarType type) {
  torch::manual_seed(3);
  const Tensor x = random({at.images, at.channels, at.height, at.width}).to(type).requires_grad_();
  const Tensor weight = random({at.channels, 1, at.kernel, at.kernel}).to(type).requires_grad_();
  const Tensor y = convolution(x, weight, at.stride, at.border);
  y.backward(random(y.sizes()).to(type));
  return {y.detach(), x.grad(), weight.grad()};
}

const auto kOurs = ::testing::Values(
    DepthwiseCase{2, 16, 7, 9, 3, 1, {1, 1, 1, 1}}, DepthwiseCase{3, 48, 14, 20, 5, 1, {2, 2, 2, 2}},
    DepthwiseCase{2, 32, 16, 18, 3, 2, {0, 1, 0, 1}}, DepthwiseCase{2, 32, 15, 17, 3, 2, {1, 1, 1, 1}},
    DepthwiseCase{1, 32, 28, 12, 5, 2, {1, 2, 1, 2}}, DepthwiseCase{2, 16, 13, 31, 5, 2, {2, 2, 2, 2}},
    DepthwiseCase{2, 16, 1, 1, 5, 1, {2, 2, 2, 2}}, DepthwiseCase{4, 16, 1, 2, 5, 2, {2, 2, 1, 2}},
    DepthwiseCase{1, 16, 9, 8, 3, 1, {}}, DepthwiseCase{1, 16, 9, 8, 5, 2, {0, 4, 3, 0}},
    DepthwiseCase{2, 16, 60, 90, 3, 1, {1, 1, 1, 1}}, DepthwiseCase{2, 19, 8, 11, 3, 1, {1, 1, 1, 1}},
    DepthwiseCase{2, 72, 15, 17, 5, 2, {2, 2, 2, 2}}, DepthwiseCase{1, 24, 16, 18, 3, 2, {0, 1, 0, 1}},
    DepthwiseCase{2, 32, 14, 19, 7, 1, {3, 3, 3, 3}}, DepthwiseCase{1, 40, 3, 2, 7, 1, {3, 3, 3, 3}});
const auto kOthers =
    ::testing::Values(DepthwiseCase{2, 12, 8, 11, 3, 1, {1, 1, 1, 1}}, DepthwiseCase{2, 16, 9, 9, 7, 2, {2, 3, 2, 3}},
                      DepthwiseCase{2, 3, 9, 9, 3, 3, {}});

class Depthwise : public ::testing::TestWithParam<DepthwiseCase> {};
INSTANTIATE_TEST_SUITE_P(Ours, Depthwise, kOurs);
INSTANTIATE_TEST_SUITE_P(LeftToLibtorch, Depthwise, kOthers);
class OurDepthwise : public Depthwise {};
INSTANTIATE_TEST_SUITE_P(Shapes, OurDepthwise, kOurs);

TEST_P(Depthwise, EqualsThePlainOneInFp64) {
  const auto ours = derived(convolve_depthwise, GetParam(), torch::kFloat);
  const auto wanted = derived(plain, GetParam(), torch::kDouble);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_EQ(ours[i].sizes(), wanted[i].sizes()) << i;
    EXPECT_LT(distance(ours[i], wanted[i]), kNear) << i;
  }
}

TEST_P(OurDepthwise, HasTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits([] { return derived(convolve_depthwise, GetParam(), torch::kFloat); });
}

TEST(Depthwise, CanBeDifferentiatedTwice) {
  const DepthwiseCase at{2, 16, 6, 5, 3, 2, {0, 1, 0, 1}};
  const auto penalty = [&](const auto& convolution, torch::ScalarType type) {
    torch::manual_seed(5);
    const Tensor x = random({at.images, at.channels, at.height, at.width}).to(type).requires_grad_();
    const Tensor weight = random({at.channels, 1, at.kernel, at.kernel}).to(type).requires_grad_();
    const Tensor y = convolution(x, weight, at.stride, at.border).square().sum();
    torch::autograd::grad({y}, {x}, {}, true, true)[0].square().sum().backward();
    return weight.grad();
  };
  EXPECT_LT(distance(penalty(convolve_depthwise, torch::kFloat), penalty(plain, torch::kDouble)), kNear);
}

TEST(Depthwise, TakesMapsInAnyLayout) {
  const Tensor x = random({2, 16, 8, 6}), weight = random({16, 1, 3, 3});
  const Border border{1, 1, 1, 1};
  EXPECT_TRUE(torch::equal(convolve_depthwise(x.contiguous(), weight.contiguous(), 1, border),
                           convolve_depthwise(x, weight, 1, border)));
}

struct FoldedCase {
  int64_t images, in, out, height, width, kernel, stride;
  bool depthwise;
  Border border;
};
void PrintTo(const FoldedCase& at, std::ostream* out) {
  *out << at.images << " x " << at.in << " x " << at.height << " x " << at.width << " to " << at.out << ", k "
       << at.kernel << ", stride " << at.stride;
}
class Folded : public ::testing::TestWithParam<FoldedCase> {
 protected:
  Folded() {
    const FoldedCase& at = GetParam();
    torch::manual_seed(2);
    const torch::NoGradGuard no_grad;
    conv_ = torch::nn::Conv2d(torch::nn::Conv2dOptions(at.in, at.out, at.kernel)
                                  .stride(at.stride)
                                  .groups(at.depthwise ? at.in : 1)
                                  .bias(false));
    norm_ = torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(at.out).eps(1e-3));
    norm_->running_mean.normal_();
    norm_->running_var.uniform_(0.5, 2);
    norm_->weight.normal_();
    norm_->bias.normal_();
    norm_->eval();
    x_ = random({at.images, at.in, at.height, at.width});
  }
  /// One operator after the other, in fp64.
  Tensor wanted(double low, double high, const Tensor& residual = {}) {
    const Border& border = GetParam().border;
    const auto wide = [](const Tensor& tensor) { return tensor.to(torch::kDouble); };
    const Tensor map = torch::constant_pad_nd(wide(x_), {border.left, border.right, border.top, border.bottom});
    const int64_t stride = GetParam().stride;
    const Tensor y = at::convolution(map, wide(conv_->weight), {}, {stride, stride}, {0, 0}, {1, 1}, false, {0, 0},
                                     conv_->options.groups());
    const Tensor z = torch::batch_norm(y, wide(norm_->weight), wide(norm_->bias), wide(norm_->running_mean),
                                       wide(norm_->running_var), false, 0, norm_->options.eps(), false);
    return torch::clamp(residual.defined() ? z + residual : z, low, high);
  }
  FoldedConvolution folded(float low, float high) { return FoldedConvolution(conv_, norm_, {low, high}); }

  torch::nn::Conv2d conv_{nullptr};
  torch::nn::BatchNorm2d norm_{nullptr};
  Tensor x_;
};
INSTANTIATE_TEST_SUITE_P(Shapes, Folded,
                         ::testing::Values(FoldedCase{2, 16, 24, 7, 9, 1, 1, false, {}},
                                           FoldedCase{1, 3, 5, 13, 11, 1, 1, false, {}},
                                           FoldedCase{3, 100, 96, 5, 1, 1, 1, false, {}},
                                           FoldedCase{1, 700, 40, 14, 14, 1, 1, false, {}},
                                           FoldedCase{2, 16, 24, 8, 9, 1, 2, false, {}},
                                           FoldedCase{2, 3, 32, 15, 18, 3, 2, false, {1, 1, 0, 1}},
                                           FoldedCase{1, 4, 17, 6, 4, 5, 1, false, {2, 2, 2, 2}},
                                           FoldedCase{2, 48, 48, 9, 14, 3, 1, true, {1, 1, 1, 1}},
                                           FoldedCase{2, 72, 72, 9, 14, 5, 1, true, {2, 2, 2, 2}},
                                           FoldedCase{2, 32, 32, 12, 10, 5, 2, true, {1, 2, 1, 2}}));

TEST_P(Folded, EqualsConvolutionThenNormThenClampInFp64) {
  const torch::NoGradGuard no_grad;
  ASSERT_TRUE(FoldedConvolution::suits(x_, conv_, norm_));
  const Tensor y = folded(-1, 1)(x_, GetParam().border);
  EXPECT_TRUE(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_LT(distance(y, wanted(-1, 1)), kNear);
  const double infinity = std::numeric_limits<double>::infinity();
  const FoldedConvolution unlimited(conv_, norm_, {});
  EXPECT_LT(distance(unlimited(x_, GetParam().border), wanted(-infinity, infinity)), kNear);
  if (GetParam().kernel == 1 && GetParam().stride == 1) {
    const Tensor residual = random(y.sizes());
    EXPECT_LT(distance(unlimited.plus(x_, residual), wanted(-infinity, infinity, residual)), kNear);
  }
}

TEST_P(Folded, HasTheSameBitsWithAnyNumberOfThreadsAndAlone) {
  const torch::NoGradGuard no_grad;
  const auto y = [&] { return folded(0, 6)(x_, GetParam().border); };
  expect_same_bits([&] { return std::vector{y()}; });
  const int64_t last = x_.size(0) - 1;
  EXPECT_TRUE(torch::equal(folded(0, 6)(x_.slice(0, last), GetParam().border)[0], y()[last]));
}

TEST_P(Folded, HidesNoNaN) {
  const torch::NoGradGuard no_grad;
  x_.fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(folded(0, 6)(x_, GetParam().border).isnan().any().item<bool>());
}

/// Of x, where there is one, and of the layer's weight and the norm's weight and bias.
TEST_P(Folded, GradientsEqualLibtorchsInFp64) {
  const FoldedCase& at = GetParam();
  const bool gives_x = at.depthwise || (at.kernel == 1 && at.stride == 1);
  const Border& border = at.border;
  const auto leaf = [](const Tensor& tensor) { return tensor.detach().to(torch::kDouble).requires_grad_(); };
  const Tensor x = leaf(x_), weight = leaf(conv_->weight), scale = leaf(norm_->weight), shift = leaf(norm_->bias);
  const auto wide = [](const Tensor& tensor) { return tensor.to(torch::kDouble); };
  const Tensor map = torch::constant_pad_nd(x, {border.left, border.right, border.top, border.bottom});
  const Tensor z =
      at::convolution(map, weight, {}, {at.stride, at.stride}, {0, 0}, {1, 1}, false, {0, 0}, conv_->options.groups());
  const Tensor y = torch::clamp(torch::batch_norm(z, scale, shift, wide(norm_->running_mean), wide(norm_->running_var),
                                                  false, 0, norm_->options.eps(), false),
                                -1, 1);
  const Tensor dy = random(y.sizes());
  y.backward(wide(dy));

  const torch::NoGradGuard no_grad;
  FoldedConvolution ours = folded(-1, 1);
  ours.prepare_backward();
  const Tensor made = ours(x_, border);
  FoldedConvolution::Gradients sum = ours.no_gradients();
  const Tensor again = dy.clone(at::MemoryFormat::ChannelsLast);
  const Tensor dx = ours.backward({x_, made, dy, border}, sum);
  EXPECT_EQ(dx.defined(), gives_x);
  if (gives_x) {
    EXPECT_LT(distance(dx, x.grad()), 2 * kNear);
  }
  const auto check = [&](double times) {
    const auto three = ours.unfolded(sum, conv_, norm_);
    EXPECT_LT(distance(three[0], times * weight.grad()), 4 * kNear);
    EXPECT_LT(distance(three[1], times * scale.grad()), 4 * kNear);
    EXPECT_LT(distance(three[2], times * shift.grad()), 4 * kNear);
  };
  check(1);
  ours.backward({x_, made, again, border}, sum);  // what comes later is added
  check(2);
}

TEST_P(Folded, SuitsEvaluationInFp32Alone) {
  EXPECT_FALSE(FoldedConvolution::suits(x_.to(torch::kDouble), conv_, norm_));
  enable(false);
  EXPECT_FALSE(FoldedConvolution::suits(x_, conv_, norm_));
  enable(true);
  norm_->train();
  EXPECT_FALSE(FoldedConvolution::suits(x_, conv_, norm_));
}

}  // namespace
}  // namespace fewlabel::kernels
