// Mean teachers are better role models: weight-averaged consistency targets improve semi-supervised deep learning.
// Tarvainen and Valpola, NeurIPS 2017, https://arxiv.org/abs/1703.01780, section 2.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ(t) R(θ): R is how far the student lies from a teacher, the moving average of its weights.
#include <algorithm>
#include <cmath>

#include "fewlabel/method.h"
#include "methods/common/align.h"
#include "methods/common/losses.h"
#include "methods/common/momentum.h"
#include "methods/common/ramp.h"

namespace fewlabel {
namespace {

struct MeanTeacherConfig {
  double lambda_u = 50.0, ramp = 0.4, decay = 0.999, align_decay = 0.999;
  int64_t mu = 1;
  std::string labeled_view = "weak", student_view = "weak", teacher_view = "weak";
  bool align = false;
  void fields(FieldVisitor& field) {
    field("lambda_u", lambda_u, "largest weight of the consistency loss (λ)", 0.0, 1000.0);
    field("ramp", ramp, "share of the run over which that weight rises", 0.0, 1.0);
    field("decay", decay, "decay of the teacher's weights (α)", 0.0, 0.99999);
    field("mu", mu, "unlabelled examples per labelled one", 1, 64);
    field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
    field("student_view", student_view, "view of the unlabelled examples that the student sees", {"weak", "strong"});
    field("teacher_view", teacher_view, "view of them that the teacher sees", {"weak", "strong"});
    field("align", align, "align the teacher's predictions with the class shares of the labels");
    field("align_decay", align_decay, "decay of the average prediction used by align", 0.0, 0.99999);
  }
};

class MeanTeacher final : public Method, public Classifier {
 public:
  MeanTeacher(const MeanTeacherConfig& config, const Task& task, Net net)
      : config_(config),
        steps_(static_cast<double>(task.steps)),
        net_(register_module("net", std::move(net))),
        teacher_(register_module("teacher", frozen_copy(*net_))),
        align_(register_module(
            "align", Alignment(ConsistencyConfig{.align = config.align, .align_decay = config.align_decay}, task))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  Needs needs() const override {
    return {.labeled = {config_.labeled_view},
            .unlabeled = {config_.student_view, config_.teacher_view},
            .ratio = config_.mu};
  }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // f(x, θ, η): the student, with gradient; f(x, θ', η'): the teacher, on another draw of the noise, without.
    const auto [p_x, p_student] = forward_together(*net_, batch.labeled.x.at(0), batch.unlabeled.x.at(0));
    const Tensor target = align_->forward(taught(batch.unlabeled.x.at(1)));

    const Tensor loss_s = cross_entropy(p_x, batch.labeled.y);

    // R(θ) = J(θ), the mean squared difference of the two predictions.
    const Tensor loss_u = squared_difference_each(softmax_rows(p_student), target).mean();

    step.minimize(loss_s + lambda_ * loss_u);
    const auto [confidence, label] = most_probable(target);
    const Tensor kept = torch::ones_like(confidence);
    step.pseudo_labels(label, kept);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override {
    // θ'_t = α θ'_{t-1} + (1 - α) θ_t; a true mean until that takes longer than α remembers.
    const double t = std::round(progress * steps_);
    follow(*teacher_, *net_, std::min(config_.decay, 1.0 - 1.0 / (t + 1.0)));
    lambda_.fill_(weight(progress));
    align_->updated();
  }

  Tensor logits(const Tensor& x) override { return net_->forward(x); }
  Net network() override { return net_; }

 private:
  double weight(double progress) const { return config_.lambda_u * sigmoid_ramp(progress, config_.ramp); }
  Tensor taught(const Tensor& x) {
    const torch::NoGradGuard no_grad;
    return probabilities(teacher_->forward(x));
  }

  MeanTeacherConfig config_;
  double steps_;
  Net net_, teacher_;
  Alignment align_;
  Tensor lambda_;
};

}  // namespace

MethodInfo mean_teacher() {
  return describe_method<MeanTeacher, MeanTeacherConfig>("mean_teacher", "Mean Teacher", "arXiv:1703.01780",
                                                         "semi/correcting", Json::object(),
                                                         {{"method",
                                                           {{"ramp", 0.3},
                                                            {"decay", 0.99},
                                                            {"mu", 5},
                                                            {"labeled_view", "strong"},
                                                            {"student_view", "strong"},
                                                            {"align", true},
                                                            {"align_decay", 0.99}}}});
}

}  // namespace fewlabel
