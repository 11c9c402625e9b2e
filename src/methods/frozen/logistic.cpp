// Multinomial logistic regression of the labels alone on features that stay as they are: what everybody tries first,
// and the measure of what the unlabelled examples are worth.
#include "methods/common/frozen.h"

namespace fewlabel {
namespace {

struct LogisticConfig {
  double c = 10;
  void fields(FieldVisitor& field) {
    field("c", c, "inverse of the penalty on the weights, as scikit-learn counts it", 1e-6, 1e6);
  }
};

class Logistic final : public FrozenMethod {
 public:
  Logistic(const LogisticConfig& config, const Task& task, Net net)
      : FrozenMethod(task, std::move(net)), config_(config) {}

 private:
  LinearHead head_of(const ScaledPools& pools) override {
    return fit_logistic({pools.x, label_rows(pools.y, pools.classes), torch::ones({pools.x.size(0)}, torch::kDouble)},
                        config_.c);
  }

  LogisticConfig config_;
};

}  // namespace

MethodInfo logistic() {
  return describe_method<Logistic, LogisticConfig>("logistic", "Logistic regression", "", "frozen");
}

}  // namespace fewlabel
