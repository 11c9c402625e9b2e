#include "train/toy.h"

#include <torch/torch.h>

#include "fewlabel/random.h"
#include "train/module_state.h"

namespace fewlabel::testing {

ToyBatches::ToyBatches(int64_t first, int64_t labeled, int64_t unlabeled, uint64_t seed)
    : seed_(seed), at_(first), labeled_(labeled), unlabeled_(unlabeled) {}

void ToyBatches::fill(RawViews& views, int64_t count, uint64_t stream) const {
  views = {};
  auto& pixels = views.views.emplace_back();
  for (int64_t i = 0; i < count; ++i) {
    Random random({seed_, "toy", static_cast<uint64_t>(at_), static_cast<uint64_t>(i), stream});
    const auto label = static_cast<int32_t>(random.below(kToyClasses));
    for (int32_t y = 0; y < kToyShape.height; ++y)
      for (int32_t x = 0; x < kToyShape.width; ++x) {
        const int32_t along = label == 0 ? x : label == 1 ? y : x + y;
        pixels.push_back(static_cast<uint8_t>((along / 2 % 2 == 0 ? 40U : 120U) + random.below(80)));
      }
    views.index.push_back(static_cast<int64_t>(random.below(100)));
    views.label.push_back(stream == 0 ? label : kUnlabeled);
  }
}

const RawBatch& ToyBatches::next() {
  fill(batch_.labeled, labeled_, 0);
  fill(batch_.unlabeled, unlabeled_, 1);
  ++at_;
  return batch_;
}

OpenBatches toy_batches(int64_t labeled, int64_t unlabeled) {
  return [=](int64_t first) { return std::make_unique<ToyBatches>(first, labeled, unlabeled); };
}

ToyMethod::ToyMethod(ToyNorm norm, double lambda) : lambda_(lambda) {
  torch::manual_seed(1);
  net_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 8, 3).padding(1)));
  if (norm == ToyNorm::batch) net_->push_back(torch::nn::BatchNorm2d(8));
  net_->push_back(torch::nn::ReLU());
  net_->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 16, 3).padding(1).stride(2)));
  if (norm == ToyNorm::batch) {
    net_->push_back(torch::nn::BatchNorm2d(16));
    net_->push_back(torch::nn::Dropout(0.1));
  }
  net_->push_back(torch::nn::ReLU());
  net_->push_back(torch::nn::AdaptiveAvgPool2d(1));
  net_->push_back(torch::nn::Flatten());
  net_->push_back(torch::nn::Linear(16, kToyClasses));
  register_module("net", net_);
  progress_ = register_buffer("progress", torch::zeros({}));
  confidence_ = register_buffer("confidence", torch::zeros({}));
}

Groups ToyMethod::groups() { return {{"model", parameters()}}; }

torch::Tensor ToyMethod::logits(const torch::Tensor& x) { return net_->forward(x).to(torch::kFloat); }

void ToyMethod::learn(const Batch& batch, Step& step) {
  const auto all = logits(torch::cat({batch.labeled.x[0], batch.unlabeled.x[0]}));
  const auto parts = all.split_with_sizes({batch.labeled.y.size(0), batch.unlabeled.y.size(0)});
  const auto [confidence, guess] = parts[1].detach().softmax(1).max(1);
  const auto kept = confidence.ge(0.6).to(torch::kFloat);
  confidence_.copy_(0.9 * confidence_ + 0.1 * confidence.mean());
  const auto labeled = torch::nn::functional::cross_entropy(parts[0], batch.labeled.y);
  const auto each = torch::nn::functional::cross_entropy(
      parts[1], guess, torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kNone));
  const auto loss = labeled + lambda_ * (each * kept).mean();
  step.minimize(loss);
  step.log({{"loss/labeled", labeled}});
  step.pseudo_labels(guess, kept);
}

TrainerOptions toy_options(int64_t steps) {
  TrainerOptions options;
  options.optimizer.lr = 0.05;
  options.optimizer.weight_decay = 5e-4;
  options.optimizer.schedule = "cosine_7_16";
  options.optimizer.warmup = 0;
  options.loop.steps = steps;
  options.loop.average = 0.99;
  options.loop.precision = "fp32";
  options.loop.log_every = 10;
  options.layout = kToyShape;
  options.mean = {0.4F};
  options.deviation = {0.2F};
  options.method_name = "toy";
  options.resume_command = "fewlabel train --resume out=toy";
  return options;
}

std::string bits_of(const torch::nn::Module& module) {
  std::string bits;
  for (const auto& [name, tensor] : state_of(module)) {
    const auto flat = tensor.detach().contiguous();
    bits.append(name).append(static_cast<const char*>(flat.data_ptr()), flat.nbytes());
  }
  return bits;
}

}  // namespace fewlabel::testing
