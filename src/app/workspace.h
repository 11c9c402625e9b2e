// The decoded data that the stages of a run share: opened once for each plan that needs them, kept for the next stage.
#pragma once
#include <memory>
#include <optional>

#include "app/setup.h"
#include "eval/feature_bank.h"
#include "eval/initial.h"
#include "fewlabel/run.h"
#include "train/batches.h"

namespace fewlabel {

/// Pixels and their statistics.
struct StageData {
  PreparedData data;
  Normalization rule;
};

/// Decodes what `data` opened, as `plan` says, and measures it.
StageData decode(PreparedData data, const Plan& plan);

class Workspace {
 public:
  /// For a plan's data and whether its method needs labels; decoded again only where those differ from the last ones.
  /// `run` tells where relative paths start; may be null.
  std::shared_ptr<const StageData> data(const Plan& plan, const RunFolder* run);
  /// What somebody else has decoded for such a plan.
  void keep(const Plan& plan, std::shared_ptr<const StageData> data);
  /// What frozen nets made of examples.
  const std::shared_ptr<FeatureBank>& features() const { return features_; }

 private:
  std::string key_;
  std::shared_ptr<const StageData> kept_;
  std::shared_ptr<FeatureBank> features_ = std::make_shared<FeatureBank>();
};

/// The weights that a plan starts from: another run's, those of a stage of `run`, or an encoder's, for examples of that
/// layout; null: none. Throws Error{usage} where they are not the ones that the plan names.
std::shared_ptr<const InitialNet> initial_weights(const Plan& plan, const RunFolder* run, const Layout& layout);

/// What the machine tells a plan.
struct PlanFacts;
PlanFacts facts_of(const PreparedData& data, bool learns_without_labels);

}  // namespace fewlabel
