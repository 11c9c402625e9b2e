// Our kernels against the plain expression in fp64: values, every gradient and running statistics, at awkward sizes.
// In fp64 the same functions take libtorch's path, so each case is written once and run in both types.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "kernels/comparing.h"
#include "kernels/convolution.h"
#include "kernels/normalization.h"
#include "kernels/pooled_convolution.h"
#include "train/torch_compat.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;

Tensor random(at::IntArrayRef sizes, torch::ScalarType type) {
  return torch::randn(sizes, torch::kDouble).to(type).contiguous(torch::MemoryFormat::ChannelsLast);
}

/// Reduced precision as in training: maps in bf16, weights in fp32.
class Autocast {
 public:
  Autocast() {
    compat::set_autocast_type(at::kCPU, at::kBFloat16);
    compat::enable_autocast(at::kCPU, true);
  }
  ~Autocast() {
    compat::enable_autocast(at::kCPU, false);
    compat::clear_autocast_cache();
  }
};

/// √ mean (a - b)² / √ mean b².
double error(const Tensor& a, const Tensor& b) {
  const Tensor wanted = b.to(torch::kDouble);
  return ((a.to(torch::kDouble) - wanted).norm() / wanted.norm()).item<double>();
}

struct ConvolutionCase {
  int64_t images, in, out, height, width;
  bool add;
  int64_t stride = 1;
};
/// y, then the gradients of x, the weights and what was added; with maps of numbers that bf16 can hold.
std::vector<Tensor> convolution(const ConvolutionCase& at, torch::ScalarType type,
                                torch::ScalarType of_maps = torch::kFloat) {
  torch::manual_seed(3);
  const auto map = [&](int64_t channels, int64_t stride) {
    const int64_t height = (at.height + stride - 1) / stride, width = (at.width + stride - 1) / stride;
    const Tensor x = random({at.images, channels, height, width}, torch::kBFloat16);
    return x.to(of_maps == torch::kFloat ? type : of_maps);
  };
  const Tensor x = map(at.in, 1).requires_grad_();
  const Tensor add = at.add ? map(at.out, at.stride).requires_grad_() : Tensor();
  const Tensor dy = map(at.out, at.stride);
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(at.in, at.out, 3).padding(1).stride(at.stride).bias(false));
  layer->weight.set_data(random({at.out, at.in, 3, 3}, type));
  const Tensor y = convolve(x, layer, add);
  y.backward(dy);
  std::vector<Tensor> all{y.detach(), x.grad(), layer->weight.grad()};
  if (add.defined()) all.push_back(add.grad());
  return all;
}

const auto kShapes =
    ::testing::Values(ConvolutionCase{2, 16, 16, 4, 4, false}, ConvolutionCase{3, 16, 32, 7, 7, true},
                      ConvolutionCase{1, 48, 16, 1, 5, false}, ConvolutionCase{2, 32, 64, 14, 9, true},
                      ConvolutionCase{130, 16, 16, 3, 6, false}, ConvolutionCase{5, 128, 128, 8, 8, false});

class Convolution : public ::testing::TestWithParam<ConvolutionCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Convolution, kShapes);

TEST_P(Convolution, EqualsThePlainOneInFp64) {
  const auto ours = convolution(GetParam(), torch::kFloat), wanted = convolution(GetParam(), torch::kDouble);
  ASSERT_EQ(ours.size(), wanted.size());
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), 5e-6) << i;
}

TEST_P(Convolution, HasTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits([] { return convolution(GetParam(), torch::kFloat); });
}

// Without instructions for bf16 libtorch sums gradients of weights in bf16, too; training then takes fp32.
double allowed_error() {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx512bf16")) return 0.06;
#endif
  return 0.015;
}

// Maps in bf16, whether the kernel is ours, which rounds transformed tiles, or libtorch's, which rounds weights.
class ReducedConvolution : public ::testing::TestWithParam<ConvolutionCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, ReducedConvolution, kShapes);
INSTANTIATE_TEST_SUITE_P(Strided, ReducedConvolution,
                         ::testing::Values(ConvolutionCase{40, 32, 64, 14, 14, false, 2},
                                           ConvolutionCase{3, 16, 32, 7, 9, true, 2},
                                           ConvolutionCase{2, 48, 16, 1, 1, false, 2},
                                           ConvolutionCase{5, 16, 16, 2, 5, false, 2}));

TEST_P(ReducedConvolution, IsNearThePlainOne) {
  const auto wanted = convolution(GetParam(), torch::kDouble);
  const Autocast autocast;
  const auto reduced = convolution(GetParam(), torch::kFloat, torch::kBFloat16);
  ASSERT_EQ(reduced.size(), wanted.size());
  EXPECT_EQ(reduced[0].scalar_type(), torch::kBFloat16);
  EXPECT_EQ(reduced[2].scalar_type(), torch::kFloat);
  for (std::size_t i = 0; i < reduced.size(); ++i) EXPECT_LT(error(reduced[i], wanted[i]), allowed_error()) << i;
}

TEST_P(ReducedConvolution, HasTheSameBitsWithAnyNumberOfThreads) {
  const Autocast autocast;
  expect_same_bits([] { return convolution(GetParam(), torch::kFloat, torch::kBFloat16); });
}

TEST(Convolution, OfOneImageHasTheBitsItHasInABatch) {
  torch::manual_seed(1);
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(32, 32, 3).padding(1).bias(false));
  const Tensor x = random({9, 32, 6, 10}, torch::kFloat);
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(convolve(x, layer)[4], convolve(x.slice(0, 4, 5), layer)[0]));
  const Autocast autocast;
  const Tensor half = x.to(torch::kBFloat16);
  EXPECT_TRUE(torch::equal(convolve(half, layer)[4], convolve(half.slice(0, 4, 5), layer)[0]));
}

TEST(Convolution, LeavesOtherLayersToLibtorch) {
  torch::manual_seed(1);
  const Tensor x = random({2, 32, 9, 9}, torch::kFloat);
  using Options = torch::nn::Conv2dOptions;
  for (const auto& options : {Options(32, 32, 3).padding(1).stride(2).bias(false),
                              Options(32, 24, 3).padding(1).bias(false), Options(32, 32, 1).bias(false),
                              Options(32, 32, 3).padding(1), Options(32, 32, 3).padding(1).groups(2).bias(false),
                              Options(32, 32, 3).bias(false), Options(32, 32, 3).padding(2).dilation(2).bias(false)}) {
    torch::nn::Conv2d layer(options);
    EXPECT_TRUE(torch::equal(convolve(x, layer), layer->forward(x)));
  }
}

TEST(Convolution, OfReducedPrecisionStaysThere) {
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(16, 16, 3).padding(1).bias(false));
  layer->to(torch::kBFloat16);
  EXPECT_EQ(convolve(random({1, 16, 5, 5}, torch::kBFloat16), layer).scalar_type(), torch::kBFloat16);
}

TEST(Convolution, CanBeDifferentiatedTwice) {
  for (const int64_t stride : {1, 2}) {
    const auto twice = [stride](torch::ScalarType type, torch::ScalarType of_maps) {
      torch::manual_seed(5);
      const Tensor x = random({2, 16, 5, 6}, type).to(of_maps).requires_grad_();
      torch::nn::Conv2d layer(torch::nn::Conv2dOptions(16, 16, 3).padding(1).stride(stride).bias(false));
      layer->weight.set_data(random({16, 16, 3, 3}, type));
      const Tensor dx = torch::autograd::grad({convolve(x, layer).pow(3).sum()}, {x}, {}, true, true)[0];
      dx.square().sum().backward();
      return layer->weight.grad();
    };
    const Tensor wanted = twice(torch::kDouble, torch::kDouble);
    EXPECT_LT(distance(twice(torch::kFloat, torch::kFloat), wanted), 5e-6);
    const Autocast autocast;
    EXPECT_LT(error(twice(torch::kFloat, torch::kBFloat16), wanted), 0.05);
  }
}

struct NormCase {
  int64_t images, channels, height, width;
  double leak;
  bool residual;
};
/// y, running mean and variance, then the gradients of x, weight, bias and what was added.
std::vector<Tensor> norm(const NormCase& at, torch::ScalarType type) {
  torch::manual_seed(4);
  // Far from zero, as sums of squares alone would not survive it.
  const Tensor x = (random({at.images, at.channels, at.height, at.width}, type) + 30).detach().requires_grad_();
  const Tensor add = at.residual ? random(x.sizes(), type).requires_grad_() : Tensor(), dy = random(x.sizes(), type);
  torch::nn::BatchNorm2d layer(torch::nn::BatchNorm2dOptions(at.channels).eps(1e-3).momentum(0.3));
  layer->to(type);
  layer->weight.set_data(torch::randn({at.channels}, torch::kDouble).to(type));
  layer->bias.set_data(torch::randn({at.channels}, torch::kDouble).to(type));
  const Tensor y = normalise(x, layer, {.leak = at.leak, .residual = add});
  y.backward(dy);
  EXPECT_EQ(layer->num_batches_tracked.item<int64_t>(), 1);
  std::vector<Tensor> all{y.detach(), layer->running_mean,  layer->running_var,
                          x.grad(),   layer->weight.grad(), layer->bias.grad()};
  if (add.defined()) all.push_back(add.grad());
  return all;
}

class Norm : public ::testing::TestWithParam<NormCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Norm,
                         ::testing::Values(NormCase{2, 16, 3, 3, 0, false}, NormCase{7, 32, 9, 5, 0, true},
                                           NormCase{3, 48, 11, 13, 0.1, false}, NormCase{3, 16, 4, 4, 0.1, true},
                                           NormCase{2, 16, 1, 1, 1, false}, NormCase{5, 64, 8, 8, 1, true}));

TEST_P(Norm, EqualsThePlainOneInFp64) {
  const auto ours = norm(GetParam(), torch::kFloat), wanted = norm(GetParam(), torch::kDouble);
  ASSERT_EQ(ours.size(), wanted.size());
  // x is rounded at 30: 2e-6 of its deviation.
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), 3e-5) << i;
}

TEST_P(Norm, HasTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits([] { return norm(GetParam(), torch::kFloat); });
}

// The same bf16 values in fp64: what is left are roundings of results to 8 bits, 2⁻⁹ of each.
TEST_P(Norm, OfReducedPrecisionSumsInFp32) {
  const NormCase at = GetParam();
  const auto run = [&](torch::ScalarType type, torch::ScalarType parameters) {
    torch::manual_seed(4);
    const auto rounded = [&](double away) {
      return (random({at.images, at.channels, at.height, at.width}, torch::kDouble) + away)
          .to(torch::kBFloat16)
          .to(type)
          .contiguous(torch::MemoryFormat::ChannelsLast);
    };
    const Tensor x = rounded(3).requires_grad_();
    const Tensor add = at.residual ? rounded(0).requires_grad_() : Tensor(), dy = rounded(0);
    torch::nn::BatchNorm2d layer(torch::nn::BatchNorm2dOptions(at.channels).eps(1e-3).momentum(0.3));
    layer->to(parameters);
    const Tensor y = normalise(x, layer, {.leak = at.leak, .residual = add});
    EXPECT_EQ(y.scalar_type(), type);
    y.backward(dy);
    std::vector<Tensor> all{layer->running_mean, layer->running_var, layer->weight.grad(),
                            layer->bias.grad(),  y.detach(),         x.grad()};
    if (add.defined()) all.push_back(add.grad());
    return all;
  };
  const auto ours = run(torch::kBFloat16, torch::kFloat), wanted = run(torch::kDouble, torch::kDouble);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), i < 2 ? 1e-5 : 6e-3) << i;
}

TEST(Norm, EvaluatesWithRunningStatistics) {
  const auto evaluated = [](torch::ScalarType type, bool gradient) {
    torch::manual_seed(6);
    torch::nn::BatchNorm2d layer(torch::nn::BatchNorm2dOptions(32));
    layer->to(type);
    layer->running_mean.copy_(torch::randn({32}, torch::kDouble));
    layer->running_var.copy_(torch::rand({32}, torch::kDouble) + 0.5);
    layer->eval();
    const torch::AutoGradMode mode(gradient);
    const Tensor x = random({2, 32, 5, 3}, type), add = random({2, 32, 5, 3}, type);
    return normalise(x, layer, {.leak = 0.1, .residual = add}).detach();
  };
  const Tensor wanted = evaluated(torch::kDouble, true);
  EXPECT_LT(distance(evaluated(torch::kFloat, false), wanted), 1e-6);
  EXPECT_LT(distance(evaluated(torch::kFloat, true), wanted), 1e-6);
}

TEST(Norm, CanBeDifferentiatedTwice) {
  for (const bool residual : {false, true}) {
    const auto twice = [residual](torch::ScalarType type) {
      torch::manual_seed(5);
      const Tensor x = random({4, 16, 5, 6}, type).requires_grad_(), add = random({4, 16, 5, 6}, type);
      torch::nn::BatchNorm2d layer(torch::nn::BatchNorm2dOptions(16));
      layer->to(type);
      const Tensor y = normalise(x, layer, {.leak = 0.1, .residual = residual ? add : Tensor()});
      const Tensor dx = torch::autograd::grad({y.pow(3).sum()}, {x}, {}, true, true)[0];
      dx.square().sum().backward();
      return std::vector<Tensor>{x.grad(), layer->weight.grad()};
    };
    const auto ours = twice(torch::kFloat), wanted = twice(torch::kDouble);
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), 1e-4) << residual << i;
  }
}

struct PooledCase {
  int64_t images, in, out, height, width;
};
/// y, then the gradients of the weights and the bias.
std::vector<Tensor> pooled(const PooledCase& at, torch::ScalarType type) {
  torch::manual_seed(8);
  const Tensor x = random({at.images, at.in, at.height, at.width}, type);
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(at.in, at.out, 3));
  layer->weight.set_data(random({at.out, at.in, 3, 3}, type));
  layer->bias.set_data(torch::randn({at.out}, torch::kDouble).to(type));
  const Tensor y = convolve_and_pool(x, layer);
  y.backward(random(y.sizes(), type).contiguous());
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(torch::equal(convolve_and_pool(x, layer), y));
  return {y.detach(), layer->weight.grad(), layer->bias.grad()};
}

class Pooled : public ::testing::TestWithParam<PooledCase> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Pooled,
                         ::testing::Values(PooledCase{2, 1, 16, 4, 4}, PooledCase{19, 1, 32, 9, 7},
                                           PooledCase{40, 3, 48, 12, 5}, PooledCase{3, 2, 32, 28, 28}));

TEST_P(Pooled, EqualsThePlainOneInFp64) {
  const auto ours = pooled(GetParam(), torch::kFloat), wanted = pooled(GetParam(), torch::kDouble);
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), 5e-6) << i;
}

TEST_P(Pooled, HasTheSameBitsWithAnyNumberOfThreads) {
  expect_same_bits([] { return pooled(GetParam(), torch::kFloat); });
}

TEST(Pooled, LeavesGradientsOfImagesToLibtorch) {
  torch::manual_seed(1);
  const Tensor x = random({2, 1, 9, 9}, torch::kFloat).requires_grad_();
  torch::nn::Conv2d layer(torch::nn::Conv2dOptions(1, 16, 3));
  convolve_and_pool(x, layer).sum().backward();
  EXPECT_GT(x.grad().abs().sum().item<float>(), 0);
}

TEST(Pooled, CanBeDifferentiatedTwice) {
  const auto twice = [](torch::ScalarType type) {
    torch::manual_seed(5);
    torch::nn::Conv2d layer(torch::nn::Conv2dOptions(1, 16, 3));
    layer->to(type);
    const Tensor y = convolve_and_pool(random({4, 1, 8, 6}, type), layer);
    const Tensor dw = torch::autograd::grad({y.pow(3).sum()}, {layer->weight}, {}, true, true)[0];
    return torch::autograd::grad({dw.square().sum()}, {layer->weight})[0];
  };
  EXPECT_LT(distance(twice(torch::kFloat), twice(torch::kDouble)), 1e-5);
}

}  // namespace
}  // namespace fewlabel::kernels
