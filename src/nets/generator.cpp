#include <cmath>

#include "nets/build.h"
#include "nets/gan.h"
#include "nets/pyramid.h"

namespace fewlabel {
namespace F = torch::nn::functional;

namespace {
constexpr int64_t kGroups = 8;
}

GeneratorImpl::GeneratorImpl(const GeneratorSpec& spec) : spec_(spec) {
  const Pyramid pyramid(spec.shape, spec.width);
  channels_ = pyramid.channels(pyramid.levels);
  height_ = spec.shape.height >> pyramid.levels;
  width_ = spec.shape.width >> pyramid.levels;
  const int64_t units = channels_ * height_ * width_;
  start_ = register_module("start", torch::nn::Linear(spec.latent + spec.classes, units));
  start_norm_ = register_module("start_norm", torch::nn::GroupNorm(kGroups, channels_));
  for (int64_t level = pyramid.levels - 1; level > 0; --level) {
    convs_->push_back(conv(pyramid.channels(level + 1), pyramid.channels(level), 3));
    norms_->push_back(torch::nn::GroupNorm(kGroups, pyramid.channels(level)));
  }
  convs_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(spec.width, spec.shape.channels, 3).padding(1)));
  register_module("convs", convs_);
  register_module("norms", norms_);
}

void GeneratorImpl::reset(uint64_t seed) {
  initialise(*this, seed, "generator");
  // `initialise` keeps the size of gradients; the few channels of an image ask for that of pixels instead, or the
  // sigmoid would start saturated.
  const torch::NoGradGuard no_grad;
  const double share = static_cast<double>(spec_.shape.channels) / static_cast<double>(2 * spec_.width);
  convs_[convs_->size() - 1]->as<torch::nn::Conv2d>()->weight.mul_(std::sqrt(share));
}

Generator make_generator(const GeneratorSpec& spec) {
  Generator generator(spec);
  generator->reset(spec.seed);
  return generator;
}

Tensor GeneratorImpl::forward(const Tensor& z, const Tensor& label) {
  Tensor code = z;
  if (spec_.classes > 0) code = torch::cat({z, torch::one_hot(label, spec_.classes).to(z.scalar_type())}, 1);
  Tensor x = start_->forward(code).view({-1, channels_, height_, width_}).contiguous(torch::MemoryFormat::ChannelsLast);
  // The norms in fp32 also under autocast: libtorch 1.13 has no group norm of mixed types.
  x = torch::relu(start_norm_->forward(x.to(torch::kFloat)));
  for (std::size_t i = 0; i < convs_->size(); ++i) {
    // Nearest neighbours and a convolution: no checkerboards (Odena et al. 2016).
    x = F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
    x = convs_->ptr<torch::nn::Conv2dImpl>(i)->forward(x);
    if (i == norms_->size()) break;
    x = torch::relu(norms_->ptr<torch::nn::GroupNormImpl>(i)->forward(x.to(torch::kFloat)));
  }
  return torch::sigmoid(x.to(torch::kFloat));
}

}  // namespace fewlabel
