// Momentum Pseudo-Labeling for Semi-Supervised Speech Recognition.
// Higuchi et al., Interspeech 2021, https://arxiv.org/abs/2106.08922, algorithm 1.
// L(θ) = Σ L(yᵢ, ŷᵢ) + λ(t) R(θ): R is how badly the net says what a teacher, the moving average of its weights, hears
// in an untranscribed recording.
#include <algorithm>
#include <cmath>

#include "fewlabel/method.h"
#include "methods/common/ctc.h"
#include "methods/common/momentum.h"
#include "methods/common/ramp.h"

namespace fewlabel {
namespace {

struct MplConfig {
  double lambda_u = 1.0, start = 0.5, ramp = 0.2, decay = 0.999, tau = 0.9;
  int64_t mu = 1;
  std::string labeled_view = "weak", student_view = "strong", teacher_view = "weak";
  void fields(FieldVisitor& field) {
    field("lambda_u", lambda_u, "largest weight of the loss on what the teacher hears (λ)", 0.0, 100.0);
    field("start", start, "share of the run that learns from the transcripts alone", 0.0, 1.0);
    field("ramp", ramp, "share of the run over which the weight rises from there", 0.0, 1.0);
    field("decay", decay, "decay of the teacher's weights (α)", 0.0, 0.99999);
    field("tau", tau, "how sure the teacher must be, on average over the frames that may be symbols (τ)", 0.0, 1.0);
    field("mu", mu, "untranscribed recordings per transcribed one", 1, 64);
    field("labeled_view", labeled_view, "view of the transcribed recordings", {"weak", "strong"});
    field("student_view", student_view, "view of the untranscribed recordings that the net learns from",
          {"weak", "strong"});
    field("teacher_view", teacher_view, "view of them that the teacher hears", {"none", "weak", "strong"});
  }
};

class Mpl final : public Method, public Transcriber {
 public:
  Mpl(const MplConfig& config, const Task& task, Net net)
      : config_(config),
        steps_(static_cast<double>(task.steps)),
        transcripts_(task.transcripts),
        net_(register_module("net", need_frames(net, "mpl"))),
        teacher_(register_module("teacher", frozen_copy(*net_))),
        lambda_(register_buffer("lambda", torch::full({}, weight(0.0)))) {}

  Needs needs() const override {
    return {.labeled = {config_.labeled_view},
            .unlabeled = {config_.student_view, config_.teacher_view},
            .ratio = config_.mu};
  }

  void learn(const Batch& batch, Step& step) override {
    // Both pools in one pass, so that batch norm sees one population.
    const Tensor &x = batch.labeled.x.at(0), &u = batch.unlabeled.x.at(0);
    const Tensor said = emissions_of(*net_, torch::cat({x, u}));
    const Heard heard = taught(batch.unlabeled.x.at(1));
    const Tensor kept = heard.confidence.ge(config_.tau).to(torch::kFloat);

    const Tensor loss_s = ctc_each(said.slice(0, 0, x.size(0)), at_positions(transcripts_, batch.labeled.index)).mean();
    const Tensor loss_u = (kept * ctc_each(said.slice(0, x.size(0)), heard.symbols)).mean();

    step.minimize(loss_s + lambda_ * loss_u);
    step.log({{"loss/s", loss_s}, {"loss/u", loss_u}, {"pseudo_labels/kept", kept.mean()}, {"lambda", lambda_}});
  }

  void updated(double progress) override {
    // θ' ← α θ' + (1 − α) θ; a true mean until that takes longer than α remembers.
    const double t = std::round(progress * steps_);
    follow(*teacher_, *net_, std::min(config_.decay, 1.0 - 1.0 / (t + 1.0)));
    lambda_.fill_(weight(progress));
  }

  Tensor emissions(const Tensor& x) override { return emissions_of(*net_, x); }
  Net network() override { return net_; }

 private:
  double weight(double progress) const {
    if (progress < config_.start) return 0;
    return config_.lambda_u * sigmoid_ramp(progress - config_.start, config_.ramp);
  }
  Heard taught(const Tensor& x) {
    const torch::NoGradGuard no_grad;
    return hear(emissions_of(*teacher_, x));
  }

  MplConfig config_;
  double steps_;
  Symbols transcripts_;
  Net net_, teacher_;
  Tensor lambda_;
};

}  // namespace

MethodInfo mpl() {
  return describe_method<Mpl, MplConfig>("mpl", "Momentum pseudo-labelling", "arXiv:2106.08922", "semi/correcting",
                                         ctc_settings(), {{"method", {{"decay", 0.99}, {"mu", 2}}}})
      .transcribing();
}

}  // namespace fewlabel
