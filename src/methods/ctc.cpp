// CTC on the transcribed recordings alone: the baseline of every comparison of transcripts.
// Graves et al., ICML 2006, https://doi.org/10.1145/1143844.1143891.
#include "methods/common/ctc.h"
#include "fewlabel/method.h"

namespace fewlabel {
namespace {

struct CtcConfig {
  std::string view = "weak";
  void fields(FieldVisitor& field) { field("view", view, "view of the transcribed recordings", {"weak", "strong"}); }
};

class Ctc final : public Method, public Transcriber {
 public:
  Ctc(const CtcConfig& config, const Task& task, Net net)
      : config_(config), transcripts_(task.transcripts), net_(register_module("net", need_frames(net, "ctc"))) {}

  Needs needs() const override { return {.labeled = {config_.view}, .unlabeled = {}, .ratio = 1}; }

  void learn(const Batch& batch, Step& step) override {
    // L(θ) = Σ −log Σ_{π ∈ B⁻¹(yᵢ)} Π_t p(π_t | xᵢ), over all paths π that say yᵢ.
    const Tensor loss =
        ctc_each(emissions_of(*net_, batch.labeled.x.at(0)), at_positions(transcripts_, batch.labeled.index)).mean();
    step.minimize(loss);
    step.log({{"loss/s", loss}});
  }

  Tensor emissions(const Tensor& x) override { return emissions_of(*net_, x); }
  Net network() override { return net_; }

 private:
  CtcConfig config_;
  Symbols transcripts_;
  Net net_;
};

}  // namespace

MethodInfo ctc() {
  return describe_method<Ctc, CtcConfig>("ctc", "CTC", "doi:10.1145/1143844.1143891", "supervised", ctc_settings())
      .transcribing();
}

}  // namespace fewlabel
