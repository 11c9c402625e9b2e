// How long a step will take before it has been run, and what of a plan fits into the minutes given.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "plan/resolve.h"

namespace fewlabel {

/// Predicts the seconds of a step from its arithmetic: counted on a batch of two, over the rate at which a small step
/// of the same method was computed on this machine a moment ago.
class StepCost {
 public:
  /// `facts` as for resolve().
  StepCost(TrainConfig config, PlanFacts facts) : config_(std::move(config)), facts_(std::move(facts)) {}
  /// Of a step of the plan that resolve() makes at this scale. Throws Error{interrupted …}.
  double seconds(const Scale& scale);
  /// A real step at this scale took so long: the rate is corrected by it.
  void observe(const Scale& scale, double seconds);

 private:
  double flop(const Scale& scale);
  TrainConfig config_;
  PlanFacts facts_;
  std::map<std::pair<int64_t, std::string>, double> flop_;
  double rate_ = 0;  // FLOP a second
};

/// The configuration at one scale.
TrainConfig at_scale(TrainConfig config, const Scale& scale);

/// Updates that a training of a few minutes should have at least, where there is a choice.
inline constexpr double kUsefulSteps = 2000;
/// Fewer than this and nothing is learnt: the run says so.
inline constexpr double kFewSteps = 300;

struct Fit {
  Scale scale;
  double seconds = 0;  // predicted, of a step
  int64_t batch = 0;   // smaller than the default where nothing else fits; 0: the default
};
/// The largest scale whose steps fit kUsefulSteps times into `budget` seconds; where none does, the smallest, with a
/// batch that is halved until it does (16 at least) unless the configuration says one.
Fit fit(StepCost& cost, const std::vector<Scale>& scales, const TrainConfig& config, double budget);

}  // namespace fewlabel
