// Conditional flow matching with few labels: a generator p_θ(x | y) whose conditions are labels and pseudo-labels.
// Lipman et al., ICLR 2023, https://arxiv.org/abs/2210.02747; the conditions as in the second stage of DPT
// (You et al., NeurIPS 2023, https://arxiv.org/abs/2302.10586).
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "methods/common/flow.h"
#include "methods/common/losses.h"

namespace fewlabel {
namespace {

struct FlowMatchingConfig : FlowConfig {
  int64_t ratio = 7;
  bool pseudo_labels = false;
  double tau = 0.5;
  void fields(FieldVisitor& field) {
    field("ratio", ratio, "unlabelled examples per labelled one", 1, 64);
    field("pseudo_labels", pseudo_labels, "take what the net predicts for an unlabelled example as its condition");
    field("tau", tau, "confidence such a condition needs; below it there is none", 0.0, 1.0);
    FlowConfig::fields(field);
  }
};

class FlowMatching final : public Method, public Sampler {
 public:
  FlowMatching(const FlowMatchingConfig& config, const Task& task, Net net)
      : config_(config), flow_(register_module("flow", Flow(config, task))) {
    if (!config.pseudo_labels) return;
    if (!task.trained_head)
      throw Error(ErrorKind::usage, "method flow_matching",
                  "pseudo_labels = true: the net has not learnt these classes, so that what it predicts says nothing",
                  "start from the run of a classifier of the same data: init=RUN");
    net_ = register_module("net", std::move(net));
    for (auto& parameter : net_->parameters()) parameter.set_requires_grad(false);
  }

  Needs needs() const override {
    return {.labeled = {"none"}, .unlabeled = {"none"}, .ratio = config_.ratio, .whole_batch = true};
  }
  Groups groups() override { return {{"model", flow_->trained()}}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor &x = batch.labeled.x.at(0), &u = batch.unlabeled.x.at(0);
    const Tensor condition = torch::cat({batch.labeled.y, condition_of(u)});
    const Tensor loss = flow_->loss(torch::cat({x, u}), condition);
    step.minimize(loss);
    step.log({{"loss/s", loss}, {"flow/conditioned", condition.ge(0).to(torch::kFloat).mean()}});
  }

  void updated(double) override { flow_->updated(); }

  Tensor sample(const SampleRequest& request) override { return flow_->sample(request); }
  bool conditional() const override { return true; }

 private:
  Tensor condition_of(const Tensor& u) {
    if (!net_) return torch::full({u.size(0)}, -1, torch::TensorOptions(u.device()).dtype(torch::kLong));
    net_->eval();  // the teacher's statistics are its own
    const torch::NoGradGuard no_grad;
    const auto [confidence, label] = most_probable(probabilities(net_->forward(u)));
    return label.masked_fill(confidence.lt(config_.tau), -1);
  }

  FlowMatchingConfig config_;
  Flow flow_;
  Net net_;
};

}  // namespace

MethodInfo flow_matching() {
  const Json settings = {{"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.01}, {"beta2", 0.99}}},
                         {"train", {{"batch", 8}}}};
  return describe_method<FlowMatching, FlowMatchingConfig>("flow_matching", "Flow matching", "arXiv:2210.02747",
                                                           "semi/generative", settings)
      .of({Kind::image});
}

}  // namespace fewlabel
