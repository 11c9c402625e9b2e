#include "nets/build.h"

#include <cmath>
#include <numbers>

#include "fewlabel/random.h"

namespace fewlabel {
namespace {

/// Both values of Box and Muller's pair from 64 bits: a quarter of the cost of Random::normal, for millions of weights.
void fill_normal(const Tensor& parameter, double deviation, const RandomKey& key) {
  Random random(key);
  Tensor values = torch::empty(parameter.sizes(), torch::kFloat);  // plain order, whatever the parameter's own layout
  float* out = values.data_ptr<float>();
  const int64_t count = values.numel();
  for (int64_t i = 0; i < count; i += 2) {
    const double radius = deviation * std::sqrt(-2.0 * std::log((random.bits() + 1.0) * 0x1.0p-32));
    const double angle = 2.0 * std::numbers::pi * random.bits() * 0x1.0p-32;
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  parameter.copy_(values);
}

}  // namespace

torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

torch::nn::BatchNorm2d batch_norm(const NetSpec& spec, int64_t channels, double eps) {
  return torch::nn::BatchNorm2d(torch::nn::BatchNorm2dOptions(channels).eps(eps).momentum(spec.bn_momentum));
}

Tensor pool_to_grid(const Tensor& map, int64_t grid) {
  return grid == 1 ? map.mean({2, 3}) : torch::adaptive_avg_pool2d(map, {grid, grid}).flatten(1);
}

HeadImpl::HeadImpl(const NetSpec& spec, int64_t features) : dropout_(spec.config.dropout), seed_(spec.seed) {
  if (spec.classes > 0) linear_ = register_module("linear", torch::nn::Linear(features, spec.classes));
  if (spec.classes > 0 && spec.config.head == "unit") {
    mean_ = register_buffer("mean", torch::zeros({features}));
    factor_ = register_buffer("factor", torch::ones({features}));
  }
  if (dropout_ > 0) draws_ = register_buffer("draws", torch::zeros({}, torch::kLong));
}

Tensor HeadImpl::forward(const Tensor& features) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  Tensor x = features.to(torch::kFloat);
  if (!linear_) return x;
  if (mean_.defined()) {
    x = (x - mean_) * factor_;
    x = x * (std::sqrt(static_cast<double>(x.size(-1))) / x.norm(2, -1, /*keepdim=*/true).clamp_min(1e-12));
  }
  return linear_->forward(is_training() && dropout_ > 0 ? drop(x) : x);
}

Tensor HeadImpl::drop(const Tensor& x) {
  Random random({.seed = seed_, .purpose = "dropout", .epoch = static_cast<uint64_t>(draws_.item<int64_t>())});
  draws_.add_(1);
  Tensor mask = torch::empty(x.sizes(), torch::kFloat);
  const auto scale = static_cast<float>(1.0 / (1.0 - dropout_));
  float* out = mask.data_ptr<float>();
  for (int64_t i = 0; i < mask.numel(); ++i) out[i] = random.flip(dropout_) ? 0.0F : scale;
  return x * mask.to(x.device());
}

void initialise(torch::nn::Module& module, uint64_t seed, std::string_view purpose) {
  const torch::NoGradGuard no_grad;
  uint64_t position = 0;
  const auto start = [&](const std::string& name, torch::nn::Module& part) {
    const RandomKey key{.seed = seed, .purpose = purpose, .index = position};
    if (const auto* line = part.as<torch::nn::Conv1d>()) {
      const auto& w = line->weight;
      fill_normal(w, std::sqrt(2.0 / static_cast<double>(w.size(0) * w.size(2))), key);
      if (line->bias.defined()) line->bias.zero_();
    } else if (const auto* layer = part.as<torch::nn::Conv2d>()) {
      const auto& w = layer->weight;
      const int64_t out = w.size(0) / layer->options.groups();
      fill_normal(w, std::sqrt(2.0 / static_cast<double>(out * w.size(2) * w.size(3))), key);
      if (layer->bias.defined()) layer->bias.zero_();
    } else if (const auto* dense = part.as<torch::nn::Linear>()) {
      const bool glorot = name == "head.linear" || part.as<GlorotLinear>();
      const auto fan = static_cast<double>(dense->weight.size(1) + (glorot ? dense->weight.size(0) : 0));
      fill_normal(dense->weight, std::sqrt(2.0 / fan), key);
      if (dense->bias.defined()) dense->bias.zero_();
    } else if (const auto* table = part.as<torch::nn::Embedding>()) {
      fill_normal(table->weight, std::sqrt(1.0 / static_cast<double>(table->weight.size(1))), key);
    } else {
      return;  // batch and layer norm start at 1 and 0
    }
    ++position;
  };
  // Not as one of named_modules(), which would ask for a shared pointer to it: in a constructor there is none yet.
  start("", module);
  for (const auto& item : module.named_modules({}, /*include_self=*/false)) start(item.key(), *item.value());
}

void channels_last(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
}

int64_t parameter_count(const torch::nn::Module& net) {
  int64_t count = 0;
  for (const auto& parameter : net.parameters()) count += parameter.requires_grad() ? parameter.numel() : 0;
  return count;
}

}  // namespace fewlabel
