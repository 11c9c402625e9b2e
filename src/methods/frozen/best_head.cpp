// The frozen method that the labels themselves speak for. None wins everywhere: what gives eight points on spoken
// digits takes fourteen on questions. So each candidate is trained several times without a part of the labels and
// judged by that part, the labels alone among them, and only one that is better by more than chance takes their place.
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
    field("rounds", rounds, "times that a part of the labels is held out", 1, 1000);
    field("most", most, "unlabelled examples that the candidates learn from while they are judged", 0, 1'000'000);
    field("margin", margin, "standard errors by which a method must be better than the labels alone", 0.0, 100.0);
    field("unsure", unsure, "what is taken where no class has two labels, so that none can be held out",
          {"logistic", "self_training"});
  }
};

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
  };

  void add(const std::string& method, std::string name, Json config) {
    candidates_.push_back({std::move(name), find_method(method).make(config, task_, net_)});
  }
  HeadLearner& learner(std::size_t i) { return dynamic_cast<HeadLearner&>(*candidates_[i].method); }

  std::size_t choose(const FeaturePools& pools) {
    if (candidates_.size() == 1) return 0;
    const bool possible = torch::bincount(pools.y).max().item<int64_t>() > 1;
    if (!possible) {
      sentence_ =
          fmt::format("best_head takes {}: each class has a single label, so that none can be held out to judge",
                      config_.unsure == "logistic" ? candidates_[0].name : candidates_[1].name);
      return config_.unsure == "logistic" ? 0 : 1;
    }
    const Tensor some = part_of(pools.unlabeled, config_.most);
    std::vector<std::vector<double>> right(candidates_.size());  // share of the held-out labels, of each round
    for (int64_t round = 0; round < config_.rounds; ++round) {
      const Parts parts = divided(pools.y, round);
      const Tensor taught = torch::tensor(parts.taught, torch::kLong),
                   judged = torch::tensor(parts.judged, torch::kLong);
      const FeaturePools fewer{pools.labeled.index_select(0, taught), pools.y.index_select(0, taught), some};
      const Tensor x = pools.labeled.index_select(0, judged), y = pools.y.index_select(0, judged);
      for (std::size_t i = 0; i < candidates_.size(); ++i) {
        stop_if_cancelled("fit");
        learner(i).fit(fewer);
        right[i].push_back(score(answers(x), y));
      }
    }
    return by_score(right);
  }

  /// Evenly spaced rows.
  static Tensor part_of(const Tensor& rows, int64_t most) {
    if (rows.size(0) <= most) return rows;
    return rows.index_select(0, (torch::arange(most) * rows.size(0)).div(std::max<int64_t>(most, 1), "floor"));
  }

  /// Of the head as it stands, without dropout, wherever the net is.
  Tensor answers(const Tensor& x) {
    const bool training = net_->is_training();
    net_->eval();
    const Tensor logits = net_->classify(x.to(head_of(*net_).weight.device())).cpu();
    net_->train(training);
    return logits;
  }

  /// Share of right answers and mean probability of the right class, half and half: of a few labels the latter tells
  /// more than the former alone.
  static double score(const Tensor& logits, const Tensor& y) {
    const Tensor p = logits.to(torch::kDouble).softmax(1).gather(1, y.unsqueeze(1));
    const double hits = logits.argmax(1).eq(y).to(torch::kDouble).mean().item<double>();
    return (hits + p.mean().item<double>()) / 2;
  }

  std::size_t by_score(const std::vector<std::vector<double>>& right) {
    const auto rounds = static_cast<double>(config_.rounds);
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
