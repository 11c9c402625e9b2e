// SimCSE: Simple Contrastive Learning of Sentence Embeddings, without labels.
// Gao et al., EMNLP 2021, https://arxiv.org/abs/2104.08821, section 3.
// A text is its own second view: what differs is what dropout leaves out.
#include <algorithm>

#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/losses.h"
#include "nets/dropout.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

struct SimCseConfig {
  double temperature = 0.05;
  std::string view = "none";
  void fields(FieldVisitor& field) {
    field("temperature", temperature, "divides the cosines (τ)", 0.01, 10.0);
    field("view", view, "view of the texts, the same for both passes", {"none", "weak", "contrast"});
  }
};

/// Whether two passes of the same text differ.
bool drops(const NetModule& net) {
  const auto parts = net.modules();
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) {
    const auto* dropout = part->template as<InnerDropout>();
    return dropout && dropout->share() > 0;
  });
}

class SimCse final : public Method, public Encoder {
 public:
  SimCse(const SimCseConfig& config, const Task& task, Net net)
      : config_(config), f_(register_module("net", std::move(net))) {
    if (!drops(*f_))
      throw Error(ErrorKind::usage, "method simcse", "the net drops nothing, so that a text has one view alone",
                  "set net.inner_dropout above 0");
    g_ = register_module("head", GlorotLinear(f_->feature_size(), f_->feature_size()));
    initialise(*g_, task.seed, "init head");
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    // h_i and h_i⁺: both passes in one, since every row has a mask of its own.
    const Tensor& x = batch.unlabeled.x.at(0);
    const Tensor h = unit_rows(torch::tanh(g_->forward(f_->forward(torch::cat({x, x})))));
    const auto views = h.chunk(2);

    // ℓ_i = -log exp(sim(h_i, h_i⁺) / τ) / Σ_j exp(sim(h_i, h_j⁺) / τ), equation 4.
    const Tensor similarity = products(views[0], views[1]) / config_.temperature;
    const Tensor own = torch::arange(x.size(0), x.options().dtype(torch::kLong));
    const Tensor loss = cross_entropy(similarity, own);

    step.minimize(loss);
    step.embeddings(h);
  }

  // The head is for training alone (there, section 6.2).
  Tensor features(const Tensor& x) override { return f_->forward(x); }

 private:
  SimCseConfig config_;
  Net f_;
  GlorotLinear g_{nullptr};
};

}  // namespace

MethodInfo simcse() {
  return describe_method<SimCse, SimCseConfig>(
             "simcse", "SimCSE", "arXiv:2104.08821", "self/joint_embedding",
             {{"net", {{"name", "bert"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 2e-4}, {"weight_decay", 0.01}, {"warmup", 0.05}, {"clip", 1.0}}},
              {"train", {{"batch", 128}, {"average", 0.0}}}})
      .of({Kind::text});
}

}  // namespace fewlabel
