#include "methods/common/flow.h"

#include "methods/common/sampling.h"

namespace fewlabel {
namespace {

constexpr int64_t kSampleBatch = 256;  // images a pass of the sampler

UNet built(const FlowConfig& config, const Task& task) {
  return make_unet({.shape = task.shape(), .classes = task.classes, .width = config.width, .seed = task.seed});
}

}  // namespace

void FlowConfig::fields(FieldVisitor& field) {
  field("width", width, "channels of the U-Net at half size, a multiple of 8", 8, 512);
  field("drop", drop, "share of the conditions left out in training, for guidance", 0.0, 1.0);
  field("guidance", guidance, "weight w of v(none) + w (v(class) - v(none)); 1 is off", 0.0, 20.0);
  field("sample_steps", sample_steps, "steps from noise to image", 1, 1000);
  field("solver", solver, "of the steps; heun looks twice at each but the last", {"heun", "euler"});
  field("decay", decay, "decay of the averaged weights that samples are made with", 0.0, 0.99999);
}

FlowImpl::FlowImpl(const FlowConfig& config, const Task& task)
    : config_(config),
      task_(task),
      pixels_(register_module("pixels", Pixels(task))),
      net_(register_module("net", built(config, task))),
      average_(register_module("average", built(config, task))),
      updates_(register_buffer("updates", torch::zeros({}, torch::kFloat))) {
  for (auto& parameter : average_->parameters()) parameter.set_requires_grad(false);
}

Tensor FlowImpl::loss(const Tensor& x, const Tensor& condition) {
  const int64_t count = x.size(0);
  const Tensor x1 = pixels_->to_pixels(x).to(torch::kFloat) * 2 - 1, x0 = torch::randn_like(x1);
  const Tensor none = condition.lt(0).logical_or(torch::rand({count}, x1.options()).lt(config_.drop));
  const Tensor t = torch::sigmoid(torch::randn({count}, x1.options()));
  const Tensor at = t.view({count, 1, 1, 1}), xt = (1 - at) * x0 + at * x1;
  const Tensor v = net_->forward(xt, t, condition.masked_fill(none, task_.classes));
  return (v - (x1 - x0)).square().mean();
}

void FlowImpl::updated() {
  const torch::NoGradGuard no_grad;
  const Tensor weight = 1 - torch::clamp_max((1 + updates_) / (10 + updates_), config_.decay);
  const auto from = net_->parameters(), to = average_->parameters();
  for (std::size_t i = 0; i < to.size(); ++i) Tensor(to[i]).lerp_(from[i], weight);
  updates_.add_(1);
}

Tensor FlowImpl::velocity(const Tensor& x, double t, const Tensor& condition) {
  const auto at = [&](int64_t count) { return torch::full({count}, t, x.options()); };
  const int64_t count = x.size(0);
  if (config_.guidance == 1.0) return average_->forward(x, at(count), condition);
  const Tensor both = torch::cat({condition, torch::full_like(condition, task_.classes)});
  const auto v = average_->forward(torch::cat({x, x}), at(2 * count), both).chunk(2);
  return v[1] + config_.guidance * (v[0] - v[1]);
}

Tensor FlowImpl::sample(const Tensor& condition, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  const ImageShape& shape = task_.shape();
  const Tensor noise = seeded_normal({condition.size(0), shape.channels, shape.height, shape.width}, seed);
  const double step = 1.0 / static_cast<double>(config_.sample_steps);
  std::vector<Tensor> images;
  for (int64_t at = 0; at < condition.size(0); at += kSampleBatch) {
    const Tensor c = condition.slice(0, at, at + kSampleBatch).to(updates_.device());
    Tensor x = noise.slice(0, at, at + kSampleBatch).to(updates_.device());
    for (int64_t i = 0; i < config_.sample_steps; ++i) {
      const double t = static_cast<double>(i) * step;
      const Tensor v = velocity(x, t, c);
      const bool last = i + 1 == config_.sample_steps;
      if (config_.solver == "euler" || last)
        x = x + step * v;
      else
        x = x + step / 2 * (v + velocity(x + step * v, t + step, c));
    }
    images.push_back(((x + 1) / 2).clamp(0, 1));
  }
  return torch::cat(images);
}

Tensor FlowImpl::sample(const SampleRequest& request) {
  return sample(requested_classes(request, task_), request.seed);
}

}  // namespace fewlabel
