// Supervised learning on the labelled examples alone: the baseline of every comparison.
#include "fewlabel/method.h"
#include "methods/common/losses.h"

namespace fewlabel {
namespace {

struct SupervisedConfig {
  std::string view = "strong";
  double label_smoothing = 0.0;
  void fields(FieldVisitor& field) {
    field("view", view, "view of the labelled examples", {"weak", "strong"});
    field("label_smoothing", label_smoothing, "share of the target spread over all classes", 0.0, 0.5);
  }
};

class Supervised final : public Method, public Classifier {
 public:
  Supervised(const SupervisedConfig& config, const Task&, Net net)
      : config_(config), net_(register_module("net", std::move(net))) {}

  Needs needs() const override { return {.labeled = {config_.view}, .unlabeled = {}, .ratio = 1}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor loss = cross_entropy(net_->forward(batch.labeled.x.at(0)), batch.labeled.y, config_.label_smoothing);
    step.minimize(loss);
    step.log({{"loss/s", loss}});
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  SupervisedConfig config_;
  Net net_;
};

}  // namespace

MethodInfo supervised() {
  return describe_method<Supervised, SupervisedConfig>("supervised", "Supervised", "", "supervised");
}

}  // namespace fewlabel
