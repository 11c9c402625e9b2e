// Self-training by a curriculum (Cascante-Bonilla et al. 2021, arXiv:2001.06001): in each round a logistic regression
// learns from the labels and from the most confident answers of the one before, a larger part of each class every time.
// Answers may first be aligned to the shares that classes are known or supposed to have (Berthelot et al. 2020,
// arXiv:1911.09785, section 3.1), by a few rounds of scaling columns and rows.
#include "methods/common/frozen.h"

namespace fewlabel {
namespace {

struct SelfTrainingConfig {
  int64_t rounds = 8;
  double most = 0.9, c = 10;
  std::string align = "none";
  void fields(FieldVisitor& field) {
    field("rounds", rounds, "times that it learns from its own answers", 0, 1000);
    field("most", most, "share of each class's answers that the last round learns from", 0.01, 1.0);
    field("align", align,
          "bring the answers to the shares of data.shares, or of equal ones: not at all, half way or all the way",
          {"none", "half", "full"});
    field("c", c, "inverse of the penalty on the logistic regression's weights", 1e-6, 1e6);
  }
};

class SelfTraining final : public FrozenMethod {
 public:
  SelfTraining(const SelfTrainingConfig& config, const Task& task, Net net)
      : FrozenMethod(task, std::move(net)), config_(config) {}

  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {"none"}}; }

 private:
  LinearHead head_of(const ScaledPools& pools) override {
    const Tensor labels = label_rows(pools.y, pools.classes), one = torch::ones({pools.x.size(0)}, torch::kDouble);
    LinearHead head = fit_logistic({pools.x, labels, one}, config_.c);
    if (config_.rounds == 0) return head;
    // Answers on the way need no more digits than tell which class they are of.
    const Tensor rows = pools.all(), rough = rows.to(torch::kFloat), u = rough.slice(0, labels.size(0));
    for (int64_t round = 1; round <= config_.rounds; ++round) {
      const Tensor answer = aligned(head.logits(round == 1 ? pools.u : u).softmax(1).to(torch::kDouble), pools);
      const auto [sure, best] = answer.max(1);
      const double part = config_.most * static_cast<double>(round) / static_cast<double>(config_.rounds);
      const Tensor weight = torch::cat({one, kept(sure, best, pools, part)});
      const Tensor target = torch::cat({labels, label_rows(best, pools.classes)});
      if (round == config_.rounds) return fit_logistic({rows, target, weight}, config_.c, {.start = &head});
      head = fit_logistic({rough, target.to(torch::kFloat), weight.to(torch::kFloat)}, config_.c,
                          {.iterations = 40, .tolerance = 1e-4, .start = &head});
    }
    return head;
  }

  /// 1 for the surest part of each class's answers, else 0.
  static Tensor kept(const Tensor& sure, const Tensor& best, const ScaledPools& pools, double part) {
    Tensor weight = torch::zeros_like(sure);
    for (const Tensor& rows : surest_of_each(sure, best, pools.classes, part)) weight.index_fill_(0, rows, 1.0);
    return weight;
  }

  Tensor aligned(Tensor answer, const ScaledPools& pools) const {
    if (config_.align == "none") return answer;
    constexpr int kScalings = 3;
    Tensor share = pools.pool_share.empty()
                       ? torch::full({pools.classes}, 1.0 / static_cast<double>(pools.classes), torch::kDouble)
                       : torch::tensor(pools.pool_share, torch::kDouble);
    if (config_.align == "half") share = (share + answer.mean(0)) / 2;
    for (int i = 0; i < kScalings; ++i) {
      answer = answer * (share / answer.mean(0).clamp_min(1e-12));
      answer = answer / answer.sum(1, /*keepdim=*/true).clamp_min(1e-300);
    }
    return answer;
  }

  SelfTrainingConfig config_;
};

}  // namespace

MethodInfo self_training() {
  return describe_method<SelfTraining, SelfTrainingConfig>("self_training", "Self-training", "arXiv:2001.06001",
                                                           "frozen");
}

}  // namespace fewlabel
