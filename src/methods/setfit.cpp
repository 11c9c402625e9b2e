// SetFit: Efficient Few-Shot Learning Without Prompts.
// Tunstall et al. 2022, https://arxiv.org/abs/2209.11055, section 3: an encoder is tuned on pairs of labelled examples,
// whose cosine is to be one where both are of a class and zero else, and a logistic regression learns from the result.
// Theirs leaves unlabelled examples unused. Here two that see them differently, the tuned encoder and self-training on
// the encoder as it came, teach a third, which begins anew, by what they agree on (co-training, Blum and Mitchell
// 1998).
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <algorithm>
#include <cmath>

#include "core/work.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "fewlabel/random.h"
#include "methods/common/embedding_losses.h"
#include "methods/common/frozen.h"
#include "methods/common/heads.h"
#include "methods/common/net_tuner.h"

namespace fewlabel {
namespace {

constexpr double kWarm = 0.1;       // of the updates, at the start, the rate rises; then it falls to zero
constexpr double kLabelled = 0.25;  // of what a student learns from, at least
constexpr int64_t kShown = 1000;    // examples that say what features are like
constexpr int64_t kAtATime = 64;    // examples that are only looked at
constexpr double kDecay = 0.01, kClip = 1.0;

struct SetFitConfig {
  int64_t passes = 20, tuning_batch = 32, most_steps = 300, most = 8000;
  double tuning_rate = 1e-4, kept = 0.7, c = 10;
  bool student = true;
  void fields(FieldVisitor& field) {
    field("passes", passes, "times that each labelled example is learnt from (the paper's R)", 1, 1000);
    field("tuning_batch", tuning_batch, "examples of an update, of which all pairs are compared", 2, 4096);
    field("most_steps", most_steps, "updates of a tuning, at most", 1, 1'000'000);
    field("tuning_rate", tuning_rate, "learning rate of AdamW", 1e-7, 1.0);
    field("student", student, "a third net learns from the unlabelled examples on which two agree; the paper has none");
    field("kept", kept, "share of those of each class that it learns from, the surest ones", 0.01, 1.0);
    field("most", most, "unlabelled examples that are looked at, at most", 0, 10'000'000);
    field("c", c, "inverse of the penalty on the logistic regression's weights", 1e-6, 1e6);
  }
};

/// Examples by their places, and the class that each is taken for.
struct Lesson {
  std::vector<int64_t> place, label;
  void add(int64_t at, int64_t of) {
    place.push_back(at);
    label.push_back(of);
  }
  int64_t size() const { return static_cast<int64_t>(place.size()); }
};

class SetFit final : public Method, public Classifier, public HeadLearner, public NetTuner {
 public:
  SetFit(const SetFitConfig& config, const Task& task, Net net)
      : config_(config),
        task_(task),
        net_(register_module("net", std::move(net))),
        logistic_(find_method("logistic").make({{"c", config.c}}, task, net_)),
        self_training_(find_method("self_training").make({{"c", config.c}}, task, net_)) {}

  Needs needs() const override { return {.labeled = {"none"}, .unlabeled = {}}; }
  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }
  std::string sentence() const override { return sentence_; }
  void look_at(Examples examples) override { examples_ = std::move(examples); }

  void fit(const FeaturePools& pools) override {
    if (!examples_) throw Error(ErrorKind::failure, "setfit", "was given features without the examples");
    const bool training = net_->is_training();
    const Tensor y = pools.y.contiguous();
    Lesson labels;
    for (int64_t i = 0; i < y.numel(); ++i) labels.add(i, y.data_ptr<int64_t>()[i]);
    const int64_t steps = std::min(config_.most_steps, updates(config_.passes * labels.size()));
    if (config_.student && pools.unlabeled.size(0) > 0 && config_.most > 0) {
      std::vector<int64_t> looked_at = evenly_spaced(pools.unlabeled.size(0), config_.most);
      for (int64_t& place : looked_at) place += y.numel();
      const std::vector<Tensor> start = copied();
      const Tensor as_it_came = answers_as_it_came(pools, looked_at);
      tune(labels, steps, "setfit teacher");
      const Tensor seen = features(looked_at);
      fit_head(features(labels.place), pools.y, seen);
      const Lesson agreed = agreement(as_it_came, probabilities_of(seen), looked_at);
      sentence_ = "setfit learns from the labels and from " + std::to_string(agreed.size()) +
                  " unlabelled examples on which two agree";
      put_back(start);
      Lesson lesson = agreed;
      const auto times =
          std::max<int64_t>(1, std::llround(kLabelled / (1 - kLabelled) * static_cast<double>(agreed.size()) /
                                            static_cast<double>(labels.size())));
      for (int64_t k = 0; k < times; ++k)
        for (int64_t i = 0; i < labels.size(); ++i)
          lesson.add(labels.place[static_cast<std::size_t>(i)], labels.label[static_cast<std::size_t>(i)]);
      tune(lesson, std::min(config_.most_steps, std::max(steps, updates(lesson.size()))), "setfit student");
      std::vector<int64_t> others;
      for (const int64_t i : evenly_spaced(agreed.size(), kShown))
        others.push_back(agreed.place[static_cast<std::size_t>(i)]);
      fit_head(features(labels.place), pools.y, features(others));
    } else {
      tune(labels, steps, "setfit teacher");
      const Tensor rows = features(labels.place);
      fit_head(rows, pools.y, rows.slice(0, 0, 0));
    }
    net_->train(training);
  }

 private:
  int64_t updates(int64_t examples) const { return (examples + config_.tuning_batch - 1) / config_.tuning_batch; }

  std::vector<Tensor> state() const {
    std::vector<Tensor> all = net_->parameters();
    for (const Tensor& buffer : net_->buffers()) all.push_back(buffer);
    return all;
  }
  std::vector<Tensor> copied() const {
    std::vector<Tensor> copies;
    for (const Tensor& tensor : state()) copies.push_back(tensor.detach().clone());
    return copies;
  }
  void put_back(const std::vector<Tensor>& copies) {
    const torch::NoGradGuard no_gradient;
    const std::vector<Tensor> all = state();
    for (std::size_t i = 0; i < all.size(); ++i) Tensor(all[i]).copy_(copies[i]);
  }

  Tensor probabilities_of(const Tensor& rows) {
    const torch::NoGradGuard no_gradient;
    net_->eval();
    return net_->classify(rows.to(device())).cpu().to(torch::kDouble).softmax(1);
  }
  torch::Device device() const { return net_->parameters().front().device(); }

  Tensor answers_as_it_came(const FeaturePools& pools, const std::vector<int64_t>& looked_at) {
    const Tensor some = pools.unlabeled.index_select(0, torch::tensor(looked_at, torch::kLong) - pools.y.numel());
    dynamic_cast<HeadLearner&>(*self_training_).fit({pools.labeled, pools.y, some});
    return probabilities_of(some);
  }

  /// `others`: rows that say only what features are like.
  void fit_head(const Tensor& rows, const Tensor& y, const Tensor& others) {
    dynamic_cast<HeadLearner&>(*logistic_).fit({rows, y, others});
  }

  /// What the net makes of examples now.
  Tensor features(const std::vector<int64_t>& places) {
    const torch::NoGradGuard no_gradient;
    net_->eval();
    if (places.empty()) return torch::empty({0, net_->feature_size()});
    Work work("looking at examples", static_cast<int64_t>(places.size()));
    std::vector<Tensor> parts;
    for (auto at = places.begin(); at != places.end();) {
      const auto end = at + std::min<std::ptrdiff_t>(kAtATime, places.end() - at);
      parts.push_back(net_->features(examples_({at, end}).to(device())).cpu());
      work.advance(end - at);
      at = end;
    }
    return torch::cat(parts);
  }

  /// Of the examples that both take for one class, the surest of each.
  Lesson agreement(const Tensor& a, const Tensor& b, const std::vector<int64_t>& looked_at) const {
    const Tensor label = b.argmax(1), sure = std::get<0>((a + b).max(1));
    const std::vector<Tensor> kept =
        surest_of_each(sure, label.masked_fill(a.argmax(1).ne(label), -1), task_.classes, config_.kept);
    Lesson lesson;
    for (int64_t c = 0; c < task_.classes; ++c) {
      const Tensor rows = kept[static_cast<std::size_t>(c)].contiguous();
      for (int64_t i = 0; i < rows.numel(); ++i)
        lesson.add(looked_at[static_cast<std::size_t>(rows.data_ptr<int64_t>()[i])], c);
    }
    return lesson;
  }

  /// AdamW on all pairs of batches in which each class that there is comes as often.
  void tune(const Lesson& lesson, int64_t steps, std::string_view name) {
    std::vector<std::vector<int64_t>> of_class(static_cast<std::size_t>(task_.classes));
    for (std::size_t i = 0; i < lesson.place.size(); ++i)
      of_class[static_cast<std::size_t>(lesson.label[i])].push_back(lesson.place[i]);
    std::vector<int64_t> classes;
    for (int64_t c = 0; c < task_.classes; ++c)
      if (!of_class[static_cast<std::size_t>(c)].empty()) classes.push_back(c);
    std::vector<Tensor> weights;
    for (const auto& named : net_->named_parameters())
      if (!named.key().starts_with("head.") && named.value().requires_grad()) weights.push_back(named.value());
    torch::optim::AdamW optimizer(weights, torch::optim::AdamWOptions(config_.tuning_rate).weight_decay(kDecay));
    net_->train();
    Work work("tuning on pairs", steps);
    for (int64_t step = 0; step < steps; ++step) {
      const double at = static_cast<double>(step) / static_cast<double>(steps);
      const double rate = config_.tuning_rate *
                          std::min(1.0, (static_cast<double>(step) + 1) / (kWarm * static_cast<double>(steps))) *
                          (1 - at);
      for (auto& group : optimizer.param_groups()) static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
      Random random({.seed = task_.seed, .purpose = name, .epoch = static_cast<uint64_t>(step)});
      torch::manual_seed(random.bits());  // of what is dropped
      std::vector<int64_t> places, labels;
      for (int64_t i = 0; i < config_.tuning_batch; ++i) {
        const int64_t c = classes[random.below(static_cast<uint32_t>(classes.size()))];
        const std::vector<int64_t>& members = of_class[static_cast<std::size_t>(c)];
        places.push_back(members[random.below(static_cast<uint32_t>(members.size()))]);
        labels.push_back(c);
      }
      const Tensor z = net_->features(examples_(places).to(device()));
      const Tensor loss = pair_loss(unit_rows(z), torch::tensor(labels, torch::kLong).to(z.device()));
      optimizer.zero_grad();
      loss.backward();
      torch::nn::utils::clip_grad_norm_(weights, kClip);
      optimizer.step();
      work.advance(1);
    }
    for (Tensor& weight : weights) weight.mutable_grad().reset();
  }

  SetFitConfig config_;
  Task task_;
  Net net_;
  std::unique_ptr<Method> logistic_, self_training_;
  Examples examples_;
  std::string sentence_;
};

}  // namespace

MethodInfo setfit() { return describe_method<SetFit, SetFitConfig>("setfit", "SetFit", "arXiv:2209.11055", "tuned"); }

}  // namespace fewlabel
