#include "methods/common/adversarial.h"

#include "fewlabel/random.h"
#include "methods/common/statistics_guard.h"

namespace fewlabel {

Tensor discriminator_loss(const Tensor& real, const Tensor& fake, const std::string& loss) {
  const Tensor r = real.to(torch::kFloat), f = fake.to(torch::kFloat);
  if (loss == "hinge") return torch::relu(1.0 - r).mean() + torch::relu(1.0 + f).mean();
  return torch::softplus(-r).mean() + torch::softplus(f).mean();
}

Tensor generator_loss(const Tensor& fake, const std::string& loss) {
  const Tensor f = fake.to(torch::kFloat);
  return loss == "hinge" ? -f.mean() : torch::softplus(-f).mean();
}

Tensor gradient_penalty(const Tensor& logit, const Tensor& x) {
  const Tensor gradient =
      torch::autograd::grad({logit.sum()}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
  return gradient.to(torch::kFloat).square().flatten(1).sum(1).mean();
}

Tensor real_logit(const Tensor& logits) { return torch::logsumexp(logits.to(torch::kFloat), 1); }

Tensor fake_features(NetModule& net, const Tensor& fake) {
  const StatisticsGuard still(net);
  return net.features(fake);
}

Tensor feature_matching(const Tensor& real, const Tensor& fake) {
  const Tensor expected = real.detach().to(torch::kFloat).mean(0);
  return (fake.to(torch::kFloat).mean(0) - expected).square().mean();
}

Tensor pull_away(const Tensor& features) {
  const Tensor unit = torch::nn::functional::normalize(features.to(torch::kFloat));
  const auto n = static_cast<double>(unit.size(0));
  const Tensor all = unit.mm(unit.t()).square().sum();  // each example with itself gives 1
  return (all - n) / (n * (n - 1));
}

Tensor conditional_entropy(const Tensor& logits) {
  const Tensor log_p = torch::log_softmax(logits.to(torch::kFloat), 1);
  return -(log_p.exp() * log_p).sum(1).mean();
}

Tensor draw_codes(int64_t count, int64_t latent, const Tensor& like) {
  return torch::randn({count, latent}, like.options().dtype(torch::kFloat).requires_grad(false));
}

Tensor request_codes(const SampleRequest& request, int64_t latent, torch::Device device) {
  Tensor codes = torch::empty({request.count, latent});
  float* out = codes.data_ptr<float>();
  for (int64_t i = 0; i < request.count; ++i) {
    Random random({.seed = request.seed, .purpose = "codes", .index = static_cast<uint64_t>(i)});
    for (int64_t d = 0; d < latent; ++d) *out++ = static_cast<float>(random.normal());
  }
  return codes.to(device);
}

Tensor request_labels(const SampleRequest& request, int64_t classes, torch::Device device) {
  const auto options = torch::dtype(torch::kLong).device(device);
  if (request.label >= 0) return torch::full({request.count}, request.label, options);
  return torch::arange(request.count, options).remainder(classes);
}

}  // namespace fewlabel
