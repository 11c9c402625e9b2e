// A Gaussian a class with one diagonal covariance for all, fitted to labelled and unlabelled examples together by
// block-wise maximisation, where neighbours pull each other to the same class and the labels' own logistic regression
// is not to be left far behind: TransCLIP (Zanella, Gérin and Ben Ayed 2024, arXiv:2406.01837, equations 1 to 8). What
// came out is learnt by a logistic regression, so that examples which come later need no graph.
#include <algorithm>

#include "core/cancel.h"
#include "methods/common/frozen.h"
#include "methods/common/neighbours.h"

namespace fewlabel {
namespace {

struct GaussianMixtureConfig {
  int64_t k = 3, outer = 10, inner = 5, most = 20'000;
  double lambda = 0.5, gamma = 0.02, c = 10;
  void fields(FieldVisitor& field) {
    field("k", k, "neighbours of each example", 1, 1000);
    field("lambda", lambda, "how much the labels' own logistic regression says beside the mixture", 0.0, 100.0);
    field("gamma", gamma, "weight of a labelled example, times the unlabelled ones for each label", 0.0, 1.0);
    field("outer", outer, "times that means and covariance are fitted", 1, 1000);
    field("inner", inner, "times that the answers are brought in line with those of their neighbours in between", 1,
          1000);
    field("most", most, "unlabelled examples that it is fitted to, whose cost grows with their square", 2, 1'000'000);
    field("c", c, "inverse of the penalty on the logistic regression's weights", 1e-6, 1e6);
  }
};

class GaussianMixture final : public FrozenMethod {
 public:
  GaussianMixture(const GaussianMixtureConfig& config, const Task& task, Net net)
      : FrozenMethod(task, std::move(net)), config_(config) {}

  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {"none"}}; }

 private:
  LinearHead head_of(const ScaledPools& pools) override {
    const Tensor labels = label_rows(pools.y, pools.classes), one = torch::ones({pools.x.size(0)}, torch::kDouble);
    const LinearHead first = fit_logistic({pools.x, labels, one}, config_.c);
    const Tensor u = pools.u.slice(0, 0, config_.most);
    const Tensor f = rows_of_length_one(u), s = rows_of_length_one(pools.x);
    const Neighbours found = nearest(f, config_.k);
    const Graph graph(found.index, found.cosine);
    const Tensor prior = config_.lambda * first.logits(u).log_softmax(1);
    const double labelled =
        std::max(config_.gamma * static_cast<double>(u.size(0)) / static_cast<double>(s.size(0)), 1.0);
    Tensor z = first.logits(u).softmax(1);
    for (int64_t i = 0; i < config_.outer; ++i) {
      stop_if_cancelled("fit");
      const Tensor mass = z.sum(0) + labelled * labels.sum(0);
      const Tensor mean = (z.t().mm(f) + labelled * labels.t().mm(s)) / mass.unsqueeze(1).clamp_min(1e-12);
      const Tensor variance = (spread(z, f, mean) + labelled * spread(labels, s, mean)) / mass.sum();
      const Tensor density = log_density(f, mean, variance.clamp_min(1e-9));
      for (int64_t k = 0; k < config_.inner; ++k) z = (density + 2 * graph.times(z) + prior).softmax(1);
    }
    return fit_logistic(
        {torch::cat({pools.x, u}), torch::cat({labels, z}), torch::ones({s.size(0) + f.size(0)}, torch::kDouble)},
        config_.c);
  }

  /// Σᵢₖ zᵢₖ (fᵢ - μₖ)² for each column.
  static Tensor spread(const Tensor& z, const Tensor& f, const Tensor& mean) {
    const Tensor mass = z.sum(0).unsqueeze(1), sum = z.t().mm(f);
    return z.sum(1).unsqueeze(0).mm(f.square()).squeeze(0) + (mean.square() * mass - 2 * mean * sum).sum(0);
  }

  static Tensor log_density(const Tensor& f, const Tensor& mean, const Tensor& variance) {
    const Tensor scaled = f / variance;
    // What all classes have in common falls away in the softmax.
    return scaled.mm(mean.t()) - (mean.square() / variance).sum(1) / 2;
  }

  GaussianMixtureConfig config_;
};

}  // namespace

MethodInfo gaussian_mixture() {
  return describe_method<GaussianMixture, GaussianMixtureConfig>("gaussian_mixture", "Gaussian mixture",
                                                                 "arXiv:2406.01837", "frozen");
}

}  // namespace fewlabel
