#include <algorithm>
#include <cmath>
#include <string>

#include "nets/build.h"
#include "nets/gan.h"
#include "nets/pyramid.h"

namespace fewlabel {
namespace F = torch::nn::functional;

GeneratorImpl::GeneratorImpl(const GeneratorSpec& spec) : spec_(spec) {
  const Pyramid pyramid(spec.shape, spec.width);
  channels_ = pyramid.channels(pyramid.levels);
  height_ = spec.shape.height >> pyramid.levels;
  width_ = spec.shape.width >> pyramid.levels;
  start_ = register_module("start", torch::nn::Linear(spec.latent + spec.classes, channels_ * height_ * width_));
  add_norm(channels_);
  // The map as large as the image has half the width: without it, each pixel would come straight from a map of half the
  // size, and samples would show its grid.
  const int64_t detail = std::max<int64_t>(spec.width / 2, 8);
  for (int64_t level = pyramid.levels - 1; level >= 0; --level) {
    const int64_t out = level > 0 ? pyramid.channels(level) : detail;
    convs_.push_back(register_module("conv" + std::to_string(level), conv(pyramid.channels(level + 1), out, 3)));
    add_norm(out);
  }
  paint_ =
      register_module("paint", torch::nn::Conv2d(torch::nn::Conv2dOptions(detail, spec.shape.channels, 3).padding(1)));
}

void GeneratorImpl::add_norm(int64_t channels) {
  norms_.push_back(register_module("norm" + std::to_string(norms_.size()), torch::nn::BatchNorm2d(channels)));
}

void GeneratorImpl::reset(uint64_t seed) {
  initialise(*this, seed, "generator");
  // `initialise` keeps the size of gradients; the few channels of an image ask for that of pixels instead, or the
  // sigmoid would start saturated.
  const torch::NoGradGuard no_grad;
  paint_->weight.mul_(std::sqrt(static_cast<double>(paint_->options.out_channels()) /
                                static_cast<double>(paint_->options.in_channels())));
}

Generator make_generator(const GeneratorSpec& spec) {
  Generator generator(spec);
  generator->reset(spec.seed);
  return generator;
}

Tensor GeneratorImpl::forward(const Tensor& z, const Tensor& label) {
  Tensor code = z;
  if (spec_.classes > 0) code = torch::cat({z, torch::one_hot(label, spec_.classes).to(z.scalar_type())}, 1);
  const auto rectified = [this](std::size_t i, const Tensor& x) {
    return kernels::normalise(x, norms_[i], {.leak = 0, .residual = {}});
  };
  const Tensor start = start_->forward(code).view({-1, channels_, height_, width_});
  Tensor x = rectified(0, start.contiguous(torch::MemoryFormat::ChannelsLast));
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    // Nearest neighbours and a convolution: no checkerboards (Odena et al. 2016).
    x = F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
    x = rectified(i + 1, kernels::convolve(x, convs_[i]));
  }
  return torch::sigmoid(paint_->forward(x).to(torch::kFloat));
}

}  // namespace fewlabel
