#include "train/metrics.h"

#include <limits>

#include "train/torch_compat.h"

namespace fewlabel {

void MetricMeans::add(std::string_view name, const Tensor& value) {
  Sum& sum = sums_.try_emplace(std::string(name)).first->second;
  if (value.device().is_cpu()) {
    sum.value += value.item<double>();
    sum.weight += 1;
  } else {
    sum.waiting.push_back(value.detach());
  }
}

void MetricMeans::add(std::string_view name, double value, double weight) {
  Sum& sum = sums_.try_emplace(std::string(name)).first->second;
  sum.value += value * weight;
  sum.weight += weight;
}

void MetricMeans::add_share(std::string_view name, const Tensor& part, const Tensor& whole) {
  Sum& sum = sums_.try_emplace(std::string(name)).first->second;
  if (part.device().is_cpu()) {
    sum.value += part.item<double>();
    sum.weight += whole.item<double>();
  } else {
    sum.waiting.push_back(part.detach());
    sum.waiting_weight.push_back(whole.detach());
  }
}

void MetricMeans::settle() {
  for (auto& [name, sum] : sums_) {
    if (sum.waiting.empty()) continue;
    // One read for all: each would wait for the GPU.
    const auto total = [](const std::vector<Tensor>& scalars) {
      return at::stack(scalars).sum(at::kDouble).item<double>();
    };
    sum.value += total(sum.waiting);
    sum.weight += sum.waiting_weight.empty() ? static_cast<double>(sum.waiting.size()) : total(sum.waiting_weight);
    sum.waiting.clear();
    sum.waiting_weight.clear();
  }
}

std::map<std::string, double> MetricMeans::take() {
  settle();
  std::map<std::string, double> means;
  for (const auto& [name, sum] : sums_)
    if (sum.weight > 0) means[name] = sum.value / sum.weight;
  sums_.clear();
  return means;
}

Json MetricMeans::save() {
  settle();
  Json saved = Json::object();
  for (const auto& [name, sum] : sums_) saved[name] = {sum.value, sum.weight};
  return saved;
}

void MetricMeans::load(const Json& saved) {
  // JSON has no NaN: it was written as null.
  const auto number = [](const Json& json) {
    return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
  };
  sums_.clear();
  for (const auto& [name, sum] : saved.items()) sums_[name] = {number(sum.at(0)), number(sum.at(1)), {}, {}};
}

}  // namespace fewlabel
