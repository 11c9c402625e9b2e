// Masked language modelling: BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding.
// Devlin et al., NAACL 2019, https://arxiv.org/abs/1810.04805, section 3.1, task 1.
// Some words of a text are hidden; from the others the net must say which they were.
#include "methods/common/losses.h"
#include "methods/common/masking.h"

namespace fewlabel {
namespace {

struct MlmConfig {
  double share = 0.15, hidden = 0.8, random = 0.1;
  std::string view = "none";
  void fields(FieldVisitor& field) {
    field("share", share, "share of the words that are chosen", 0.01, 0.9);
    field("hidden", hidden, "share of the chosen words that are hidden", 0.0, 1.0);
    field("random", random, "share of the chosen words that become another; the rest stay", 0.0, 1.0);
    field("view", view, "view of the texts", {"none", "weak", "contrast"});
  }
};

class Mlm final : public Method, public Encoder {
 public:
  Mlm(const MlmConfig& config, const Task& task, Net net)
      : config_(config), vocabulary_(task.layout.vocabulary), net_(register_module("net", std::move(net))) {
    const int64_t size = token_encoder(*net_, "mlm").token_size();
    const int64_t embedding = token_embedding(*net_, "mlm").embedding_weight().size(1);
    head_ = register_module("head", WordHead(size, embedding, vocabulary_));
    initialise(*head_, task.seed, "init words");
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);
    // Of the chosen words most are hidden, some become others, some stay: which ones, the net cannot see.
    const MaskedTexts masked =
        mask_words(x, {.share = config_.share, .hidden = config_.hidden, .random = config_.random}, vocabulary_);

    // The loss is at the chosen words alone, and so are logits, of which there are as many as words in the vocabulary.
    TokenEncoder& encoder = token_encoder(*net_, "mlm");
    const Tensor tokens = encoder.tokens(masked.x), at = of_tokens(masked.chosen, x).nonzero().squeeze(1);
    const Tensor logits = head_->forward(tokens.index_select(0, at), token_embedding(*net_, "mlm").embedding_weight());
    const Tensor word = x.masked_select(masked.chosen);
    const Tensor loss = mean_or_zero(cross_entropy_each(logits, word));

    step.minimize(loss);
    step.embeddings(tokens.slice(0, 0, x.size(0)));
    step.log({{"words/told", mean_or_zero(logits.argmax(1).eq(word).to(torch::kFloat))}});
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }

 private:
  MlmConfig config_;
  int64_t vocabulary_;
  Net net_;
  WordHead head_{nullptr};
};

}  // namespace

MethodInfo mlm() {
  return describe_method<Mlm, MlmConfig>(
             "mlm", "Masked language modelling", "arXiv:1810.04805", "self/autoencoding",
             {{"net", {{"name", "bert"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 5e-4}, {"weight_decay", 0.01}, {"warmup", 0.05}, {"clip", 1.0}}},
              {"train", {{"batch", 128}, {"average", 0.0}}}})
      .of({Kind::text});
}

}  // namespace fewlabel
