#include "nets/ladder_mlp.h"

#include <fmt/format.h>

namespace fewlabel {
namespace {

constexpr double kEps = 1e-5;

}  // namespace

Tensor normalised_by_batch(const Tensor& x) {
  return torch::batch_norm(x, {}, {}, {}, {}, /*training=*/true, /*momentum=*/0.0, kEps, /*cudnn_enabled=*/false);
}

LadderMlp::LadderMlp(const NetSpec& spec) : widths_({spec.layout.values(), 1000, 500, 250, 250, 250}) {
  if (spec.classes > 0) widths_.push_back(spec.classes);
  for (std::size_t l = 1; l < widths_.size(); ++l) {
    const bool last = spec.classes > 0 && l + 1 == widths_.size();
    const std::string name = last ? "head" : fmt::format("layer{}", l);
    linear_.push_back(
        register_module(name, torch::nn::Linear(torch::nn::LinearOptions(widths_[l - 1], widths_[l]).bias(false))));
    norm_.push_back(register_module(
        fmt::format("norm{}", l),
        torch::nn::BatchNorm1d(
            torch::nn::BatchNorm1dOptions(widths_[l]).affine(false).eps(kEps).momentum(spec.bn_momentum))));
    beta_.push_back(register_parameter(name + "_beta", torch::zeros({widths_[l]})));
    if (last) gamma_ = register_parameter("head_gamma", torch::ones({widths_[l]}));
  }
}

int64_t LadderMlp::feature_size() const { return widths_[5]; }

// In fp32 from here on: what is compared are small differences.
Tensor LadderMlp::weighted(std::size_t layer, const Tensor& h) {
  return linear_[layer - 1]->forward(h).to(torch::kFloat);
}

Tensor LadderMlp::activated(std::size_t layer, const Tensor& z) const {
  const Tensor shifted = z + beta_[layer - 1];
  return gamma_.defined() && layer + 1 == widths_.size() ? gamma_ * shifted : torch::relu(shifted);
}

Tensor LadderMlp::features(const Tensor& x) {
  Tensor h = x.flatten(1);
  for (std::size_t l = 1; l <= 5; ++l) h = activated(l, norm_[l - 1]->forward(weighted(l, h)));
  return h;
}

Tensor LadderMlp::classify(const Tensor& features) {
  if (!gamma_.defined()) return features;
  const std::size_t last = widths_.size() - 1;
  return activated(last, norm_[last - 1]->forward(weighted(last, features)));
}

LadderMlp::Pass LadderMlp::clean(const Tensor& x) {
  Pass pass;
  Tensor h = x.flatten(1).to(torch::kFloat);
  pass.z.push_back(h);
  pass.mean.push_back(torch::zeros({1}, h.options()));
  pass.deviation.push_back(torch::ones({1}, h.options()));
  for (std::size_t l = 1; l < widths_.size(); ++l) {
    const Tensor before = weighted(l, h);
    pass.mean.push_back(before.mean(0));
    pass.deviation.push_back(torch::sqrt(before.var(0, /*unbiased=*/false) + kEps));
    pass.z.push_back(norm_[l - 1]->forward(before));
    h = activated(l, pass.z.back());
  }
  pass.logits = h;
  return pass;
}

LadderMlp::Pass LadderMlp::corrupted(const Tensor& x, double noise, const Tensor& input_noise) {
  const auto noisy = [&](const Tensor& z) { return z + noise * torch::randn_like(z); };
  Pass pass;
  Tensor h = x.flatten(1).to(torch::kFloat);
  h = h + input_noise * torch::randn_like(h);
  pass.z.push_back(h);
  for (std::size_t l = 1; l < widths_.size(); ++l) {
    pass.z.push_back(noisy(normalised_by_batch(weighted(l, h))));
    h = activated(l, pass.z.back());
  }
  pass.logits = h;
  return pass;
}

Net make_ladder_mlp(const NetSpec& spec) { return std::make_shared<LadderMlp>(spec); }

}  // namespace fewlabel
