// Label propagation (Zhou et al. 2003, "Learning with Local and Global Consistency"), as Iscen et al. 2019
// (arXiv:1904.04717) use it on features: labels spread over a graph of nearest neighbours, and a logistic regression
// learns what came out, so that examples which come later need no graph.
#include <algorithm>

#include "core/cancel.h"
#include "methods/common/frozen.h"
#include "methods/common/neighbours.h"

namespace fewlabel {
namespace {

struct LabelPropagationConfig {
  int64_t k = 10, iterations = 60, most = 20'000;
  double alpha = 0.95, power = 3, c = 10;
  void fields(FieldVisitor& field) {
    field("k", k, "neighbours of each example", 1, 1000);
    field("alpha", alpha, "share of what the neighbours say, beside the labels", 0.0, 0.999);
    field("power", power, "of the cosine, which is an edge's weight", 0.0, 100.0);
    field("iterations", iterations, "rounds of propagation", 1, 10'000);
    field("most", most, "examples in the graph, whose cost grows with their square", 2, 1'000'000);
    field("c", c, "inverse of the penalty on the logistic regression's weights", 1e-6, 1e6);
  }
};

class LabelPropagation final : public FrozenMethod {
 public:
  LabelPropagation(const LabelPropagationConfig& config, const Task& task, Net net)
      : FrozenMethod(task, std::move(net)), config_(config) {}

  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {"none"}}; }

 private:
  LinearHead head_of(const ScaledPools& pools) override {
    const Tensor rows = pools.all().slice(0, 0, std::max(config_.most, pools.x.size(0) + 1));
    const int64_t labels = pools.x.size(0);
    const Neighbours found = nearest(rows, config_.k);
    const Graph graph = Graph(found.index, found.cosine.pow(config_.power)).normalised();
    Tensor said = torch::zeros({rows.size(0), pools.classes}, torch::kDouble);
    said.slice(0, 0, labels).copy_(label_rows(pools.y, pools.classes));
    Tensor spread = said;
    for (int64_t i = 0; i < config_.iterations; ++i) {
      stop_if_cancelled("fit");
      spread = config_.alpha * graph.times(spread) + (1 - config_.alpha) * said;
    }
    // A class with more labels, or with labels in a denser place, would win everywhere (class mass normalisation, Zhu
    // et al. 2003).
    spread = spread / spread.sum(0).clamp_min(1e-12);
    Tensor best = spread.argmax(1);
    best.slice(0, 0, labels).copy_(pools.y);
    const Tensor reached = spread.sum(1).gt(0).to(torch::kDouble);  // islands without a label teach nothing
    return fit_logistic({rows, label_rows(best, pools.classes), reached}, config_.c);
  }

  LabelPropagationConfig config_;
};

}  // namespace

MethodInfo label_propagation() {
  return describe_method<LabelPropagation, LabelPropagationConfig>("label_propagation", "Label propagation",
                                                                   "arXiv:1904.04717", "frozen");
}

}  // namespace fewlabel
