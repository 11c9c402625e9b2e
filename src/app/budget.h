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
  Kind kind() const { return facts_.found.kind; }
  /// kUsefulSteps, or kTunedSteps where the net starts from an encoder.
  double useful_steps() const;
  /// Examples of a step of that plan.
  int64_t batch(const Scale& scale) const { return plan_at(scale).train.batch; }

 private:
  Plan plan_at(const Scale& scale) const;
  double flop(const Scale& scale);
  TrainConfig config_;
  PlanFacts facts_;
  std::map<std::pair<int64_t, std::string>, double> flop_;
  double rate_ = 0;  // FLOP a second
};

/// The configuration at one scale.
TrainConfig at_scale(TrainConfig config, const Scale& scale, Kind kind);

/// Updates that a training of a few minutes should have at least, where there is a choice.
inline constexpr double kUsefulSteps = 2000;
inline constexpr double kTunedSteps = 800;  // of a net that starts from an encoder
/// Fewer than this and nothing is learnt: the run says so.
inline constexpr double kFewSteps = 300;

/// What the recipe leaves open beside size and net.
struct Freedom {
  bool batch = false, net = false, mu = false;
};
struct Fit {
  Scale scale;
  double seconds = 0;         // predicted, of a step
  int64_t batch = 0, mu = 0;  // smaller than the defaults where nothing else fits; 0: the defaults
  bool operator==(const Fit& other) const { return scale == other.scale && batch == other.batch && mu == other.mu; }
};
/// The largest scale whose steps fit useful_steps() times into `budget` seconds. Where none does, the smallest: with
/// half the batch where not even half of them fit; with the smallest net, and fewer unlabelled examples to a labelled
/// one, where there would still be fewer than twice kFewSteps.
Fit fit(StepCost& cost, const std::vector<Scale>& scales, const Freedom& open, double budget);
/// The part of a default step that a step of this fit is, about.
double part_of_step(const Fit& fit);

}  // namespace fewlabel
