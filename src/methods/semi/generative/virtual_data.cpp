// Virtual data: a classifier and a generator teach each other. The classifier's pseudo-labels are the conditions under
// which the generator learns the unlabelled images; what it makes for a class is labelled by construction, and joins
// the labelled examples of the classifier. DPT: You et al., NeurIPS 2023, https://arxiv.org/abs/2302.10586, whose three
// stages run side by side here.
#include <algorithm>

#include "fewlabel/method.h"
#include "fewlabel/transform.h"
#include "methods/common/flow.h"
#include "methods/common/losses.h"
#include "methods/common/sampling.h"
#include "methods/common/virtual_pool.h"
#include "plan/resolve.h"

namespace fewlabel {
namespace {

struct VirtualDataConfig : FlowConfig {
  std::string corrector = "freematch", view = "strong";
  int64_t mu = 5, generator_batch = 48, virtual_batch = 32, pool = 1024, every = 32, made = 64;
  double tau = 0.5, start = 0.25;
  void fields(FieldVisitor& field) {
    field("corrector", corrector,
          "method by which the classifier learns from labelled, virtual and unlabelled examples",
          {"supervised", "pseudo_label", "pi_model", "mean_teacher", "vat", "mixmatch", "uda", "fixmatch", "flexmatch",
           "freematch", "softmatch", "adamatch", "simmatch"});  // ladder brings a net of its own
    field("mu", mu, "unlabelled examples per labelled one, where the corrector uses any (μ)", 1, 64);
    field("tau", tau, "confidence that a pseudo-label needs to be a condition of the generator", 0.0, 1.0);
    field("generator_batch", generator_batch, "images that the generator learns from in an update, at most", 1, 4096);
    field("start", start, "share of the run after which virtual examples are made", 0.0, 1.0);
    field("every", every, "updates between two visits to the generator", 1, 1 << 20);
    field("made", made, "virtual examples made at each visit", 1, 1 << 16);
    field("pool", pool, "virtual examples kept; the oldest make room", 1, 1 << 20);
    field("virtual_batch", virtual_batch, "virtual examples that join the labelled ones in an update", 1, 4096);
    field("view", view, "view of the virtual examples", {"none", "weak", "strong"});
    FlowConfig::fields(field);
  }
};

/// The corrector's settings: its own, and in a short run those it has for these, as a plan gives them to it alone
/// (docs/decisions/0003); mu is this method's.
Json corrector_settings(const VirtualDataConfig& config, const Task& task) {
  const MethodInfo& info = find_method(config.corrector);
  Json settings = Json::object();
  if (task.steps < kLongRun) settings.update(info.short_settings.value("method", Json::object()));
  if (info.resolve(Json::object()).contains("mu")) settings["mu"] = config.mu;
  return settings;
}

std::string policy_of(const VirtualDataConfig& config, const Task& task) {
  const ViewPolicies policies = image_policies(task.shape().channels);
  if (config.view == "strong") return policies.strong;
  return config.view == "weak" ? policies.weak : "none";
}

Views without_last(Views views) {
  if (!views.x.empty()) views.x.pop_back();
  return views;
}

class VirtualData final : public Method, public Classifier, public Sampler {
 public:
  VirtualData(const VirtualDataConfig& config, const Task& task, Net net)
      : config_(config), task_(task), flow_(register_module("flow", Flow(config, task))) {
    Task with_virtual = task;
    with_virtual.labeled += config.pool;
    const MethodInfo& info = find_method(config.corrector);
    corrector_ = register_module("corrector", std::shared_ptr<Method>(info.make(corrector_settings(config, task),
                                                                                with_virtual, std::move(net))));
    classifier_ = dynamic_cast<Classifier*>(corrector_.get());
    pool_ = register_module(
        "pool", VirtualPool(VirtualPoolOptions{.capacity = config.pool,
                                               .batch = config.virtual_batch,
                                               .views = static_cast<int64_t>(corrector_->needs().labeled.size()),
                                               .policy = policy_of(config, task)},
                            task));
    updates_ = register_buffer("updates", torch::zeros({}, torch::kLong));
  }

  /// What the corrector wants, and each image as it is for the generator.
  Needs needs() const override {
    Needs needs = corrector_->needs();
    needs.labeled.emplace_back("none");
    needs.unlabeled.emplace_back("none");
    needs.whole_batch = true;
    return needs;
  }
  Groups groups() override {
    Groups groups = corrector_->groups();
    groups["generator"] = flow_->trained();
    return groups;
  }
  double rate(std::string_view group) const override { return group == "generator" ? 1.0 : corrector_->rate(group); }

  void learn(const Batch& batch, Step& step) override {
    // Classifier: the corrector's own loss, with virtual examples (x̂ ~ p_θ(x | y), y) among the labelled.
    corrector_->learn({pool_->join(without_last(batch.labeled)), without_last(batch.unlabeled)}, step);

    // Generator: images under labels and under pseudo-labels ŷ.
    const int64_t count = std::max<int64_t>(1, config_.generator_batch / 8);
    const Tensor x = batch.labeled.x.back().slice(0, 0, count);
    const Tensor u = batch.unlabeled.x.back().slice(0, 0, config_.generator_batch - count);
    const Tensor condition = torch::cat({batch.labeled.y.slice(0, 0, count), pseudo_labels(u)});
    const Tensor loss = flow_->loss(torch::cat({x, u}), condition);
    step.minimize(loss, "generator");
    step.log({{"flow/conditioned", condition.ge(0).to(torch::kFloat).mean()}});
  }

  void updated(double progress) override {
    corrector_->updated(progress);
    flow_->updated();
    const int64_t update = updates_.add_(1).item<int64_t>();
    if (progress >= config_.start && update % config_.every == 0) {
      const SampleRequest request{.count = std::min(config_.made, config_.pool),
                                  .seed = task_.seed + static_cast<uint64_t>(update)};
      pool_->add(flow_->sample(request), requested_classes(request, task_));
    }
    pool_->prepare();
  }

  Tensor logits(const Tensor& x) override { return classifier_->logits(x); }
  Net network() override { return classifier_->network(); }
  Tensor sample(const SampleRequest& request) override { return flow_->sample(request); }
  bool conditional() const override { return true; }

 private:
  /// argmax p(y | u) where it is confident enough, else -1: no condition.
  Tensor pseudo_labels(const Tensor& u) {
    const torch::NoGradGuard no_grad;
    const bool training = corrector_->is_training();
    corrector_->eval();
    const auto [confidence, label] = most_probable(probabilities(classifier_->logits(u)));
    corrector_->train(training);
    return label.masked_fill(confidence.lt(config_.tau), -1);
  }

  VirtualDataConfig config_;
  Task task_;
  Flow flow_;
  std::shared_ptr<Method> corrector_;
  Classifier* classifier_ = nullptr;  // what corrector_ is as well
  VirtualPool pool_{nullptr};
  Tensor updates_;
};

}  // namespace

MethodInfo virtual_data() {
  const Json settings = {{"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.02}, {"beta2", 0.99}}}};
  return describe_method<VirtualData, VirtualDataConfig>("virtual_data", "Virtual data", "arXiv:2302.10586",
                                                         "semi/generative", settings)
      .of({Kind::image});
}

}  // namespace fewlabel
