// The frozen method that the labels themselves speak for. None wins everywhere: what gives eight points on spoken
// digits takes fourteen on questions. So each candidate is trained several times without a part of the labels and
// judged by that part, the labels alone among them, and only one that is better by more than chance takes their place.
// Labels are mostly drawn a class at a time, so that they say nothing of how often each occurs: those that judge are
// weighed by how often the pool holds their class, as far as self-training can tell (docs/decisions/0022).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "methods/common/frozen.h"

namespace fewlabel {
namespace {

struct BestHeadConfig {
  int64_t rounds = 8, most = 1000;
  double margin = 1;
  std::string unsure = "self_training";
  void fields(FieldVisitor& field) {
    field("rounds", rounds, "times that a part of the labels is held out; fewer, but three, once 1,000 have judged", 1,
          1000);
    field("most", most, "unlabelled examples that the candidates learn from while they are judged", 0, 1'000'000);
    field("margin", margin, "standard errors by which a method must be better than the labels alone", 0.0, 100.0);
    field("unsure", unsure, "what is taken where no class has two labels, so that none can be held out",
          {"logistic", "self_training"});
  }
};

constexpr int64_t kJudged = 1000;  // held-out labels, over all rounds, that are enough
constexpr double kRare = 1.0 / 3;  // of an equal share: a class that fewer answers are of is no chance

/// Labels that teach, and those that judge.
struct Parts {
  std::vector<int64_t> taught, judged;
};

class BestHead final : public Method, public Classifier, public HeadLearner {
 public:
  BestHead(const BestHeadConfig& config, const Task& task, Net net)
      : config_(config), task_(task), net_(register_module("net", std::move(net))) {
    head_of(*net_);
    add("logistic", "the labels alone", Json::object());
    if (task.unlabeled == 0) return;
    add("self_training", "self-training", Json::object());
    add("self_training",
        task.pool_share.empty() ? "self-training, half way to equal shares" : "self-training, half way to the shares",
        {{"align", "half"}});
    add("self_training", task.pool_share.empty() ? "self-training at equal shares" : "self-training at the shares",
        {{"align", "full"}});
    add("label_propagation", "label propagation", Json::object());
    add("gaussian_mixture", "a Gaussian mixture", Json::object());
  }

  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {}}; }
  Groups groups() override {
    const HeadParameters head = head_of(*net_);
    return {{"model", {head.weight, head.bias}}};
  }
  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }
  std::string sentence() const override { return sentence_; }

  void fit(const FeaturePools& pools) override {
    const torch::NoGradGuard no_gradient;
    const std::size_t chosen = choose(pools);
    learner(chosen).fit(pools);
  }

 private:
  struct Candidate {
    std::string name;  // for a person
    std::unique_ptr<Method> method;
    bool aligned;  // its answers are brought to shares
  };

  void add(const std::string& method, std::string name, const Json& config) {
    candidates_.push_back({std::move(name), find_method(method).make(config, task_, net_), config.contains("align")});
  }
  HeadLearner& learner(std::size_t i) { return dynamic_cast<HeadLearner&>(*candidates_[i].method); }

  std::size_t choose(const FeaturePools& pools) {
    if (candidates_.size() == 1) return 0;
    const Tensor some = part_of(pools.unlabeled, config_.most), share = pool_share(pools, some);
    // Equal shares that the pool speaks against would take the frequent classes' examples for the rare ones.
    const bool uneven =
        task_.pool_share.empty() && share.min().item<double>() * static_cast<double>(task_.classes) < kRare;
    if (torch::bincount(pools.y).max().item<int64_t>() == 1) {
      const std::size_t taken = config_.unsure == "logistic" ? 0 : uneven ? 1 : 2;
      sentence_ =
          fmt::format("best_head takes {}: each class has a single label, so that none can be held out to judge",
                      candidates_[taken].name);
      return taken;
    }
    std::vector<std::vector<double>> right(candidates_.size());  // share of the held-out labels, of each round
    const auto judged_each = static_cast<int64_t>(divided(pools.y, 0).judged.size());
    const int64_t enough = std::max<int64_t>((kJudged + judged_each - 1) / judged_each, 3);
    for (int64_t round = 0; round < std::min(config_.rounds, enough); ++round) {
      const Parts parts = divided(pools.y, round);
      const Tensor taught = torch::tensor(parts.taught, torch::kLong),
                   judged = torch::tensor(parts.judged, torch::kLong);
      const FeaturePools fewer{pools.labeled.index_select(0, taught), pools.y.index_select(0, taught), some};
      const Tensor x = pools.labeled.index_select(0, judged), y = pools.y.index_select(0, judged);
      for (std::size_t i = 0; i < candidates_.size(); ++i) {
        stop_if_cancelled("fit");
        if (uneven && candidates_[i].aligned) {
          right[i].push_back(0);
          continue;
        }
        learner(i).fit(fewer);
        right[i].push_back(score(answers(x), y, share));
      }
    }
    return by_score(right);
  }

  /// Evenly spaced rows.
  static Tensor part_of(const Tensor& rows, int64_t most) {
    if (rows.size(0) <= most) return rows;
    return rows.index_select(0, torch::tensor(evenly_spaced(rows.size(0), most), torch::kLong));
  }

  /// Of the head as it stands, without dropout, wherever the net is.
  Tensor answers(const Tensor& x) {
    const bool training = net_->is_training();
    net_->eval();
    const Tensor logits = net_->classify(x.to(head_of(*net_).weight.device())).cpu();
    net_->train(training);
    return logits;
  }

  /// Share of each class in the unlabelled pool: as stated, else by self-training's answers.
  Tensor pool_share(const FeaturePools& pools, const Tensor& some) {
    if (!task_.pool_share.empty()) return torch::tensor(task_.pool_share, torch::kDouble);
    if (some.size(0) == 0)
      return torch::full({task_.classes}, 1.0 / static_cast<double>(task_.classes), torch::kDouble);
    learner(1).fit({pools.labeled, pools.y, some});
    return torch::bincount(answers(some).argmax(1), {}, task_.classes).to(torch::kDouble) /
           static_cast<double>(some.size(0));
  }

  /// Share of right answers and mean probability of the right class, half and half: of a few labels the latter tells
  /// more than the former alone. As they would be if the judged ones were of the classes in those shares.
  double score(const Tensor& logits, const Tensor& y, const Tensor& share) const {
    const Tensor p = logits.to(torch::kDouble).softmax(1).gather(1, y.unsqueeze(1)).squeeze(1);
    const Tensor hits = logits.argmax(1).eq(y).to(torch::kDouble);
    const Tensor count = torch::bincount(y, {}, task_.classes).to(torch::kDouble);
    const Tensor weight = (share / count.clamp_min(1)).index_select(0, y);
    return ((hits + p) * weight).sum().item<double>() / (2 * weight.sum().clamp_min(1e-12).item<double>());
  }

  std::size_t by_score(const std::vector<std::vector<double>>& right) {
    const auto rounds = static_cast<double>(right.front().size());
    const auto mean = [&](const std::vector<double>& of) {
      double sum = 0;
      for (const double value : of) sum += value;
      return sum / rounds;
    };
    std::size_t best = 0;
    for (std::size_t i = 1; i < right.size(); ++i) {
      std::vector<double> gain;
      for (std::size_t k = 0; k < right[i].size(); ++k) gain.push_back(right[i][k] - right[0][k]);
      const double own = mean(gain);
      double square = 0;
      for (const double value : gain) square += (value - own) * (value - own);
      const double error = rounds > 1 ? std::sqrt(square / (rounds - 1) / rounds) : 0;
      if (own > config_.margin * error && mean(right[i]) > mean(right[best])) best = i;
    }
    sentence_ = fmt::format("best_head takes {}: held-out labels give it {:.1f} of 100 points", candidates_[best].name,
                            100 * mean(right[best]));
    if (best > 0) sentence_ += fmt::format(", and the labels alone {:.1f}", 100 * mean(right[0]));
    return best;
  }

  /// Half of each class's labels, at least one, teaches; what is left judges.
  Parts divided(const Tensor& y, int64_t round) const {
    std::vector<std::vector<int64_t>> of_class(static_cast<std::size_t>(task_.classes));
    const Tensor plain = y.contiguous();
    for (int64_t i = 0; i < plain.numel(); ++i)
      of_class[static_cast<std::size_t>(plain.data_ptr<int64_t>()[i])].push_back(i);
    Random random({.seed = task_.seed, .purpose = "best_head", .epoch = static_cast<uint64_t>(round)});
    Parts parts;
    for (std::vector<int64_t>& members : of_class) {
      for (std::size_t i = members.size(); i > 1; --i)
        std::swap(members[i - 1], members[random.below(static_cast<uint32_t>(i))]);
      const std::size_t taught = (members.size() + 1) / 2;
      for (std::size_t i = 0; i < members.size(); ++i) (i < taught ? parts.taught : parts.judged).push_back(members[i]);
    }
    return parts;
  }

  BestHeadConfig config_;
  Task task_;
  Net net_;
  std::vector<Candidate> candidates_;
  std::string sentence_;
};

}  // namespace

MethodInfo best_head() {
  return describe_method<BestHead, BestHeadConfig>("best_head", "Best head by the labels", "", "frozen");
}

}  // namespace fewlabel
