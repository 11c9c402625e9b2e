#include "app/budget.h"

#include <algorithm>

#include "app/bench/measure.h"
#include "app/planning.h"
#include "app/setup.h"
#include "core/cancel.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr int64_t kCounted = 2, kTimed = 16;  // labelled examples of a step that is counted, and at most of one timed
constexpr double kEnough = 10e9;              // FLOP of a step that is worth timing
constexpr int64_t kSmallestBatch = 16, kSmallestMu = 2;  // the latter about half of what short runs have

measure::StepRequest request_of(const Plan& plan, const Layout& found, int64_t batch) {
  measure::StepRequest request;
  request.method = method_name(plan.method);
  request.net = plan.net.name;
  request.net_config = net_config(plan.net);
  request.precision = plan.train.precision;
  request.batch = batch;
  request.layout = layout_of(plan.data, found);
  request.threads = static_cast<int>(plan.train.threads);
  request.fields = plan.method;
  request.fields.erase("name");
  return request;
}

}  // namespace

TrainConfig at_scale(TrainConfig config, const Scale& scale, Kind kind) {
  if (kind == Kind::image) config.data.size = scale.size;
  if (kind == Kind::text) config.data.length = scale.size;
  config.net.name = scale.net;
  return config;
}

Plan StepCost::plan_at(const Scale& scale) const {
  stop_if_cancelled("train");
  Plan plan = resolve(at_scale(config_, scale, facts_.found.kind), facts_).plan;
  check_method(plan.method);
  return plan;
}

double StepCost::flop(const Scale& scale) {
  const auto key = std::pair(scale.size, scale.net);
  if (const auto known = flop_.find(key); known != flop_.end()) return known->second;
  const Plan plan = plan_at(scale);
  const double counted = measure::count_step(request_of(plan, facts_.found, kCounted)).at("flop").get<double>();
  return flop_[key] = counted * static_cast<double>(plan.train.batch * plan.train.accumulate) / kCounted;
}

double StepCost::seconds(const Scale& scale) {
  if (rate_ == 0) {
    const Plan plan = plan_at(scale);
    const double each = flop(scale) / static_cast<double>(plan.train.batch * plan.train.accumulate);
    int64_t batch = kCounted;
    while (batch < kTimed && each * static_cast<double>(batch) < kEnough) batch *= 2;
    measure::StepRequest request = request_of(plan, facts_.found, batch);
    request.warm = 1;
    request.steps = 2;
    rate_ = each * static_cast<double>(batch) / measure::median(measure::time_steps(request).wall);
  }
  return flop(scale) / rate_;
}

void StepCost::observe(const Scale& scale, double seconds) { rate_ = flop(scale) / seconds; }

double StepCost::useful_steps() const { return facts_.encoder ? kTunedSteps : kUsefulSteps; }

Fit fit(StepCost& cost, const std::vector<Scale>& scales, const Freedom& open, double budget) {
  const std::string smallest = smallest_net(cost.kind());
  Fit best{scales.back(), cost.seconds(scales.back()), 0, 0};
  // Upwards, so that no step is counted that is far too large.
  for (auto scale = scales.rbegin(); scale != scales.rend(); ++scale) {
    const double seconds = cost.seconds(*scale);
    if (scale != scales.rbegin() && seconds * cost.useful_steps() > budget) break;
    best = {*scale, seconds, 0, 0};
  }
  if (best.scale != scales.back()) return best;
  const auto predicted = [&] { return cost.seconds(best.scale) * part_of_step(best); };
  if (open.batch && best.seconds * cost.useful_steps() > 2 * budget) {
    best.batch = std::max(kSmallestBatch, cost.batch(best.scale) / 2);
    best.seconds = predicted();
  }
  const auto few = [&] { return best.seconds * 2 * kFewSteps > budget; };
  if (open.net && few() && !smallest.empty()) {
    best.scale.net = smallest;
    best.seconds = predicted();
  }
  if (open.mu && few()) {
    best.mu = kSmallestMu;
    best.seconds = predicted();
  }
  return best;
}

double part_of_step(const Fit& fit) { return (fit.batch > 0 ? 0.5 : 1.0) * (fit.mu > 0 ? 0.5 : 1.0); }

}  // namespace fewlabel
