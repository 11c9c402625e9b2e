// ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators.
// Clark et al., ICLR 2020, https://arxiv.org/abs/2003.10555, sections 2 and 3.
// A small generator fills hidden words in; the net must say of every word whether it is the one that stood there.
#include <algorithm>
#include <cmath>

#include "fewlabel/error.h"
#include "methods/common/losses.h"
#include "methods/common/masking.h"
#include "nets/bert.h"

namespace fewlabel {
namespace {

struct ElectraConfig {
  double share = 0.15, lambda = 50.0, generator = 0.25;
  std::string view = "none";
  void fields(FieldVisitor& field) {
    field("share", share, "share of the words that are hidden from the generator", 0.01, 0.9);
    field("lambda", lambda, "weight of the discriminator's loss (λ)", 0.0, 1000.0);
    field("generator", generator, "width of the generator, as a share of the net's", 0.05, 1.0);
    field("view", view, "view of the texts", {"none", "weak", "contrast"});
  }
};

std::shared_ptr<Bert> as_bert(const Net& net) {
  if (auto bert = std::dynamic_pointer_cast<Bert>(net)) return bert;
  throw Error(ErrorKind::usage, "method electra",
              "the net is no transformer of texts, of which a smaller one can be made", "use net=bert");
}

TextTransformerPlan smaller(TextTransformerPlan plan, double share) {
  constexpr int64_t kHeadWidth = 64, kStep = 16;
  const auto steps = std::lround(static_cast<double>(plan.width) * share / static_cast<double>(kStep));
  plan.heads = std::max<int64_t>(1, steps * kStep / kHeadWidth);
  plan.width = std::max<int64_t>(1, steps) * kStep / plan.heads * plan.heads;
  plan.inner = 4 * plan.width;
  return plan;
}

/// Narrow, and as deep as the net, whose embeddings it shares (section 3.2).
class WordGeneratorImpl : public torch::nn::Module {
 public:
  WordGeneratorImpl(const TextTransformerPlan& plan, const Bert& net, int64_t vocabulary) {
    const int64_t embedding = net.embedding_weight().size(1);
    in_ = register_module("in", GlorotLinear(net.token_size(), plan.width));
    transformer_ = register_module("transformer", TextTransformer(plan));
    head_ = register_module("head", WordHead(plan.width, embedding, vocabulary));
  }
  /// Logits of the words at rows `at` of the batch's tokens.
  Tensor forward(Bert& net, const Tensor& x, const Tensor& at) {
    const TokenRows rows = token_rows(x, /*packed=*/true);
    const Tensor tokens = transformer_->forward(in_->forward(net.placed(rows)).to(torch::kFloat), rows);
    return head_->forward(tokens.index_select(0, at), net.embedding_weight());
  }

 private:
  GlorotLinear in_{nullptr};
  TextTransformer transformer_{nullptr};
  WordHead head_{nullptr};
};
TORCH_MODULE(WordGenerator);

class Electra final : public Method, public Encoder {
 public:
  Electra(const ElectraConfig& config, const Task& task, const Net& net)
      : config_(config), vocabulary_(task.layout.vocabulary), net_(register_module("net", as_bert(net))) {
    const int64_t width = net_->token_size();
    generator_ =
        register_module("generator", WordGenerator(smaller(net_->plan(), config.generator), *net_, vocabulary_));
    initialise(*generator_, task.seed, "init generator");
    dense_ = register_module("dense", GlorotLinear(width, width));
    out_ = register_module("out", GlorotLinear(width, 1));
    initialise(*dense_, task.seed, "init dense");
    initialise(*out_, task.seed, "init out");
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& x = batch.unlabeled.x.at(0);
    const MaskedTexts masked = mask_words(x, {.share = config_.share, .hidden = 1.0, .random = 0.0}, vocabulary_);

    // L_MLM: the generator says which words are hidden.
    const Tensor at = of_tokens(masked.chosen, x).nonzero().squeeze(1), word = x.masked_select(masked.chosen);
    const Tensor logits = generator_->forward(*net_, masked.x, at);
    const Tensor loss_g = mean_or_zero(cross_entropy_each(logits, word));

    // x^corrupt: words drawn from it. Where it hits the word itself, nothing was replaced.
    const Tensor corrupt = x.masked_scatter(masked.chosen, draw(logits));
    const Tensor replaced = of_tokens(corrupt.ne(x), x).to(torch::kFloat);

    // L_Disc, at every token; no gradient flows back through the drawing.
    const Tensor tokens = net_->tokens(corrupt);
    const Tensor d = out_->forward(torch::gelu(dense_->forward(tokens))).squeeze(1).to(torch::kFloat);
    const Tensor loss_d = torch::binary_cross_entropy_with_logits(d, replaced);

    step.minimize(loss_g + config_.lambda * loss_d);
    step.embeddings(tokens.slice(0, 0, x.size(0)));
    step.log({{"loss/generator", loss_g},
              {"loss/discriminator", loss_d},
              {"tokens/replaced", replaced.mean()},
              {"tokens/told", d.gt(0).eq(replaced.gt(0)).to(torch::kFloat).mean()}});
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }

 private:
  /// A word for each row: softmax(logits) over the words, special tokens apart.
  static Tensor draw(const Tensor& logits) {
    const Tensor words = probabilities(logits.slice(1, kSpecialTokens));
    return words.size(0) > 0 ? torch::multinomial(words, 1).squeeze(1) + kSpecialTokens
                             : torch::empty({0}, words.options().dtype(torch::kLong));
  }

  ElectraConfig config_;
  int64_t vocabulary_;
  std::shared_ptr<Bert> net_;
  WordGenerator generator_{nullptr};
  GlorotLinear dense_{nullptr}, out_{nullptr};
};

}  // namespace

MethodInfo electra() {
  return describe_method<Electra, ElectraConfig>(
             "electra", "ELECTRA", "arXiv:2003.10555", "self/adversarial",
             {{"net", {{"name", "bert"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 5e-4}, {"weight_decay", 0.01}, {"warmup", 0.1}, {"clip", 1.0}}},
              {"train", {{"batch", 128}, {"average", 0.0}}}})
      .of({Kind::text});
}

}  // namespace fewlabel
