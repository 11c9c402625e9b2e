#include <fmt/format.h>

#include <cmath>

#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "nets/build.h"
#include "nets/gan.h"
#include "nets/pyramid.h"

namespace fewlabel {
namespace F = torch::nn::functional;
namespace {

constexpr double kSlope = 0.2;      // of the leaky units
constexpr int64_t kJoint = 256;     // units between a pair and its score
constexpr int kSettlingSteps = 20;  // power iterations before the first pass

Tensor leaky(const Tensor& x) { return torch::leaky_relu(x, kSlope); }

}  // namespace

Pyramid::Pyramid(const ImageShape& shape, int64_t width_of_first) : width(width_of_first) {
  if (shape.height % 4 != 0 || shape.width % 4 != 0)
    throw Error(ErrorKind::usage, "net",
                fmt::format("images of {} x {} pixels do not suit a generator: wanted sides that are multiples of 4",
                            shape.width, shape.height),
                fmt::format("resize them: data.size={}", std::max(8, (shape.height + 3) / 4 * 4)));
  const auto goes_on = [&](int32_t side) { return (side >> levels) % 2 == 0 && (side >> levels) >= 8; };
  while (goes_on(shape.height) && goes_on(shape.width)) ++levels;
}

SpectralNormImpl::SpectralNormImpl(const Tensor& weight, bool on) {
  if (!on) return;
  const int64_t rows = weight.size(0);
  u_ = register_buffer("u", torch::full({rows}, 1.0 / std::sqrt(static_cast<double>(rows))));
  v_ = register_buffer("v", torch::zeros({weight.numel() / rows}));
}

void SpectralNormImpl::iterate(const Tensor& matrix) {
  const torch::NoGradGuard no_grad;
  const auto unit = F::NormalizeFuncOptions().dim(0);
  v_.copy_(F::normalize(matrix.t().mv(u_), unit));
  u_.copy_(F::normalize(matrix.mv(v_), unit));
}

void SpectralNormImpl::settle(const Tensor& weight) {
  for (int i = 0; u_.defined() && i < kSettlingSteps; ++i) iterate(weight.flatten(1));
}

Tensor SpectralNormImpl::forward(const Tensor& weight) {
  if (!u_.defined()) return weight;
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const Tensor matrix = weight.flatten(1);
  if (is_training()) iterate(matrix);
  // Copies, since the next pass moves the vectors while this one's graph still waits for its backward pass.
  return weight / u_.clone().dot(matrix.mv(v_.clone()));
}

SpectralLinearImpl::SpectralLinearImpl(int64_t in, int64_t out, bool on)
    : linear_(register_module("linear", torch::nn::Linear(in, out))),
      norm_(register_module("norm", SpectralNorm(linear_->weight, on))) {}

Tensor SpectralLinearImpl::forward(const Tensor& x) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return F::linear(x.to(torch::kFloat), norm_->forward(linear_->weight), linear_->bias);
}

SpectralConvImpl::SpectralConvImpl(const torch::nn::Conv2dOptions& options, bool on)
    : conv_(register_module("conv", torch::nn::Conv2d(options))),
      norm_(register_module("norm", SpectralNorm(conv_->weight, on))) {}

Tensor SpectralConvImpl::forward(const Tensor& x) {
  const auto& own = conv_->options;
  return F::conv2d(x, norm_->forward(conv_->weight),
                   F::Conv2dFuncOptions().bias(conv_->bias).stride(own.stride()).padding(own.padding()));
}

DiscriminatorImpl::DiscriminatorImpl(const DiscriminatorSpec& spec) : spec_(spec) {
  const Pyramid pyramid(spec.shape, spec.width);
  for (int64_t level = 1; level <= pyramid.levels; ++level) {
    const int64_t in = level == 1 ? spec.shape.channels : pyramid.channels(level - 1);
    const auto halving = torch::nn::Conv2dOptions(in, pyramid.channels(level), 4).stride(2).padding(1);
    trunk_->push_back(SpectralConv(halving, spec.spectral));
  }
  channels_ = pyramid.channels(pyramid.levels);
  trunk_->push_back(SpectralConv(torch::nn::Conv2dOptions(channels_, channels_, 3).padding(1), spec.spectral));
  register_module("trunk", trunk_);
  int64_t units = channels_ * (spec.shape.height >> pyramid.levels) * (spec.shape.width >> pyramid.levels);
  if (spec.latent > 0) {
    code_ = register_module("code", SpectralLinear(spec.latent, kJoint, spec.spectral));
    joint_ = register_module("joint", SpectralLinear(units + kJoint, kJoint, spec.spectral));
    units = kJoint;
  }
  if (spec.classes > 0) classes_ = register_module("classes", SpectralLinear(spec.classes, channels_, spec.spectral));
  score_ = register_module("score", SpectralLinear(units, 1, spec.spectral));
}

void DiscriminatorImpl::reset(uint64_t seed) {
  initialise(*this, seed, "discriminator");
  for (const auto& part : modules(/*include_self=*/false)) {
    if (auto* layer = part->as<SpectralLinear>()) layer->settle();
    if (auto* layer = part->as<SpectralConv>()) layer->settle();
  }
}

Discriminator make_discriminator(const DiscriminatorSpec& spec) {
  Discriminator discriminator(spec);
  discriminator->reset(spec.seed);
  return discriminator;
}

Tensor DiscriminatorImpl::map(const Tensor& x) {
  Tensor result = x;
  for (const auto& layer : *trunk_) result = leaky(layer->as<SpectralConv>()->forward(result));
  return result;
}

Tensor DiscriminatorImpl::features(const Tensor& x) {
  return torch::adaptive_avg_pool2d(map(x).to(torch::kFloat), {2, 2}).flatten(1);
}

Tensor DiscriminatorImpl::forward(const Tensor& x, const Tensor& beside) {
  const Tensor places = map(x);
  Tensor units = places.flatten(1);
  if (code_) {
    const Tensor code = leaky(code_->forward(beside));
    units = leaky(joint_->forward(torch::cat({units.to(torch::kFloat), code}, 1)));
  }
  Tensor score = score_->forward(units).squeeze(1);
  if (classes_) {
    const Tensor embedded = classes_->forward(torch::one_hot(beside, spec_.classes).to(torch::kFloat));
    score = score + (embedded * places.to(torch::kFloat).sum({2, 3})).sum(1);
  }
  return score;
}

}  // namespace fewlabel
