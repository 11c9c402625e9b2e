#include "train/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fewlabel/error.h"
#include "train/fused.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

constexpr int64_t kChunk = 32768;  // elements: small enough to balance two threads, large enough to hide the overhead
constexpr double kEpsilon = 1e-8;

// The fused loops run over storage, so all arrays of a parameter must be dense and laid out alike.
bool is_fusable(const Tensor& value, const Tensor& gradient) {
  return value.device().is_cpu() && value.scalar_type() == at::kFloat && value.is_non_overlapping_and_dense() &&
         (!gradient.defined() || (gradient.scalar_type() == at::kFloat && gradient.strides() == value.strides()));
}

// A gradient may come in another layout (autograd keeps the parameter's, hooks and other devices may not).
Tensor aligned_gradient(const Tensor& value) {
  Tensor gradient = value.grad();
  if (!gradient.defined() || !value.is_non_overlapping_and_dense() ||
      (gradient.strides() == value.strides() && gradient.scalar_type() == value.scalar_type()))
    return gradient;
  return at::empty_like(value).copy_(gradient);
}

float narrow(double x) { return static_cast<float>(x); }

}  // namespace

struct Optimizer::Numbers {
  double lr = 0, scale = 1, correct1 = 1, correct2 = 1, keep = 0;
};

Optimizer::Optimizer(std::vector<NamedParameter> parameters, const OptimizerPlan& config, double average_decay)
    : config_(config), adamw_(config.name == "adamw"), average_decay_(average_decay) {
  if (config.name != "sgd" && config.name != "adamw")
    throw Error(ErrorKind::usage, "optimizer.name", fmt::format("unknown optimizer '{}'", config.name),
                "use sgd or adamw");
  const at::NoGradGuard no_gradient;
  for (auto& [name, value] : parameters) {
    Slot slot;
    slot.name = std::move(name);
    slot.first = at::zeros_like(value);
    if (adamw_) slot.second = at::zeros_like(value);
    if (average_decay > 0) slot.average = value.detach().clone();
    slot.decays = value.dim() > 1;
    slots_.push_back(std::move(slot));
    parameters_.push_back(std::move(value));
  }
}

Optimizer::Numbers Optimizer::numbers_of(double lr) const {
  const auto k = static_cast<double>(updates_);
  Numbers numbers;
  numbers.lr = lr;
  numbers.keep = std::min(average_decay_, (1 + k) / (10 + k));
  numbers.correct1 = 1 - std::pow(config_.momentum, k + 1);
  numbers.correct2 = std::sqrt(1 - std::pow(config_.beta2, k + 1));
  return numbers;
}

Tensor Optimizer::update(double lr) {
  const at::NoGradGuard no_gradient;
  Numbers numbers = numbers_of(lr);
  const double clip = config_.clip;
  std::vector<Tensor> gradients;
  std::vector<std::size_t> fusable, others;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    gradients.push_back(aligned_gradient(parameters_[i]));
    (is_fusable(parameters_[i], gradients[i]) ? fusable : others).push_back(i);
  }
  Tensor squares = squares_of(others, gradients), scale;
  if (fusable.empty()) {  // on a GPU nothing is read back, so that the processor can go on to the next step
    if (clip > 0) scale = (clip / (squares.sqrt() + 1e-6)).clamp_max(1).to(at::kFloat);
  } else if (clip > 0) {
    squares = squares + fused_squares(fusable, gradients);
    const double norm = std::sqrt(squares.item<double>());
    if (norm > clip) numbers.scale = clip / (norm + 1e-6);
    scale = at::scalar_tensor(numbers.scale);
  }
  update_others(others, gradients, scale, numbers);
  const double seen = update_fused(fusable, gradients, numbers);
  if (!fusable.empty() && clip <= 0) squares = squares + seen;
  for (const Tensor& value : parameters_) {
    compat::bump_version(value);
    value.mutable_grad() = Tensor();  // backward then hands over its buffer instead of adding to ours
  }
  ++updates_;
  return squares.sqrt();
}

double Optimizer::fused_squares(const Which& which, const std::vector<Tensor>& gradients) const {
  std::vector<Chunk> chunks;
  for (const std::size_t i : which)
    for (int64_t at = 0; gradients[i].defined() && at < gradients[i].numel(); at += kChunk)
      chunks.push_back({i, at, std::min(kChunk, gradients[i].numel() - at)});
  std::vector<double> part(chunks.size());
  at::parallel_for(0, static_cast<int64_t>(chunks.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c)
      part[c] = fused::sum_of_squares(gradients[chunks[c].slot].data_ptr<float>() + chunks[c].begin, chunks[c].size);
  });
  return std::accumulate(part.begin(), part.end(), 0.0);
}

double Optimizer::update_fused(const Which& which, const std::vector<Tensor>& gradients, const Numbers& numbers) {
  fused::Rule rule;
  rule.lr = narrow(numbers.lr);
  rule.scale = narrow(numbers.scale);
  rule.beta1 = narrow(config_.momentum);
  rule.beta2 = narrow(config_.beta2);
  rule.rest1 = narrow(1 - config_.momentum);
  rule.rest2 = narrow(1 - config_.beta2);
  rule.correct1 = narrow(numbers.correct1);
  rule.correct2 = narrow(numbers.correct2);
  rule.epsilon = narrow(kEpsilon);
  rule.keep = narrow(numbers.keep);

  std::vector<fused::Stretch> stretches;
  std::vector<float> decay;
  for (const std::size_t i : which) {
    const Slot& slot = slots_[i];
    const Tensor& value = parameters_[i];
    for (int64_t at = 0; at < value.numel(); at += kChunk) {
      const auto from = [at](const Tensor& tensor) {
        return tensor.defined() ? tensor.data_ptr<float>() + at : nullptr;
      };
      stretches.push_back({from(value), from(gradients[i]), from(slot.first), from(slot.second), from(slot.average),
                           std::min(kChunk, value.numel() - at)});
      decay.push_back(slot.decays ? narrow(config_.weight_decay) : 0.F);
    }
  }
  std::vector<double> part(stretches.size());
  at::parallel_for(0, static_cast<int64_t>(stretches.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c) {
      const fused::Stretch& stretch = stretches[c];
      fused::Rule own = rule;
      own.weight_decay = decay[c];
      if (!stretch.gradient) {
        fused::average(stretch, own);
        continue;
      }
      part[c] = fused::sum_of_squares(stretch.gradient, stretch.size);
      adamw_ ? fused::adamw(stretch, own) : fused::sgd(stretch, own);
    }
  });
  return std::accumulate(part.begin(), part.end(), 0.0);
}

Tensor Optimizer::squares_of(const Which& which, const std::vector<Tensor>& gradients) {
  std::vector<Tensor> there;
  for (const std::size_t i : which)
    if (gradients[i].defined()) there.push_back(gradients[i]);
  if (!there.empty()) return at::stack(at::_foreach_norm(there)).to(at::kDouble).square().sum();
  const auto device = parameters_.empty() ? at::Device(at::kCPU) : parameters_.front().device();
  return at::zeros({}, at::TensorOptions(at::kDouble).device(device));
}

// One operation for all parameters at a time: on a GPU the start of each costs more than its arithmetic.
void Optimizer::update_others(const Which& which, const std::vector<Tensor>& gradients, const Tensor& scale,
                              const Numbers& numbers) {
  std::vector<Tensor> values, g, first, second, decaying, g_of_decaying, averages, averaged;
  for (const std::size_t i : which) {
    const Slot& slot = slots_[i];
    if (slot.average.defined()) {
      averages.push_back(slot.average);
      averaged.push_back(parameters_[i]);
    }
    if (!gradients[i].defined()) continue;
    values.push_back(parameters_[i]);
    g.push_back(gradients[i]);
    first.push_back(slot.first);
    if (adamw_) second.push_back(slot.second);
    if (!slot.decays) continue;
    decaying.push_back(parameters_[i]);
    g_of_decaying.push_back(gradients[i]);
  }
  const double decay = config_.weight_decay;
  if (!values.empty()) {
    if (scale.defined()) compat::multiply_each(g, scale);
    if (adamw_) {
      if (!decaying.empty()) at::_foreach_mul_(decaying, 1 - numbers.lr * decay);
      at::_foreach_mul_(first, config_.momentum);
      at::_foreach_add_(first, g, 1 - config_.momentum);
      at::_foreach_mul_(second, config_.beta2);
      at::_foreach_addcmul_(second, g, g, 1 - config_.beta2);
      const std::vector<Tensor> root = at::_foreach_sqrt(second);
      at::_foreach_div_(root, numbers.correct2);
      at::_foreach_add_(root, kEpsilon);
      at::_foreach_addcdiv_(values, first, root, -numbers.lr / numbers.correct1);
    } else {
      if (!decaying.empty()) at::_foreach_add_(g_of_decaying, decaying, decay);
      at::_foreach_mul_(first, config_.momentum);
      at::_foreach_add_(first, g);
      at::_foreach_add_(g, first, config_.momentum);
      at::_foreach_add_(values, g, -numbers.lr);
    }
  }
  if (averages.empty()) return;
  at::_foreach_mul_(averages, numbers.keep);
  at::_foreach_add_(averages, averaged, 1 - numbers.keep);
}

void Optimizer::swap_average() {
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].average.defined()) continue;
    const Tensor live = parameters_[i].variable_data();
    parameters_[i].set_data(slots_[i].average);
    slots_[i].average = live;
    compat::bump_version(parameters_[i]);
  }
}

void Optimizer::save(TensorMap& state, TensorMap& average) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    state[slot.name + (adamw_ ? "/mean" : "/momentum")] = slot.first;
    if (adamw_) state[slot.name + "/square"] = slot.second;
    if (parameters_[i].grad().defined()) state[slot.name + "/gradient"] = parameters_[i].grad();
    if (slot.average.defined()) average[slot.name] = slot.average;
  }
}

void Optimizer::load(const TensorMap& state, const TensorMap& average, int64_t updates) {
  const at::NoGradGuard no_gradient;
  const auto take = [](const TensorMap& from, const std::string& name, const Tensor& into) {
    const auto found = from.find(name);
    if (found == from.end() || found->second.sizes() != into.sizes())
      throw Error(ErrorKind::storage, "checkpoint", fmt::format("'{}' is missing or has another shape", name),
                  "resume with the configuration that the checkpoint was made with");
    into.copy_(found->second);
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    take(state, slot.name + (adamw_ ? "/mean" : "/momentum"), slot.first);
    if (adamw_) take(state, slot.name + "/square", slot.second);
    if (slot.average.defined()) take(average, slot.name, slot.average);
    parameters_[i].mutable_grad() = Tensor();
    if (const auto waiting = state.find(slot.name + "/gradient"); waiting != state.end())
      parameters_[i].mutable_grad() = at::empty_like(parameters_[i]).copy_(waiting->second);
  }
  updates_ = updates;
}

}  // namespace fewlabel
