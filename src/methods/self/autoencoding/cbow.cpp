// Continuous bag of words: Efficient Estimation of Word Representations in Vector Space. Mikolov et al. 2013,
// https://arxiv.org/abs/1301.3781, section 3.1, with what their next paper adds (https://arxiv.org/abs/1310.4546):
// negative words (2.2) and the leaving out of frequent ones (2.3).
// Which word stands here is told from the mean of its neighbours.
#include <cmath>

#include "methods/common/losses.h"
#include "methods/common/masking.h"

namespace fewlabel {
namespace {

struct CbowConfig {
  int64_t window = 5, negatives = 1024;
  double subsample = 1e-3;
  std::string view = "none";
  void fields(FieldVisitor& field) {
    field("window", window, "words on each side that tell of the one between", 1, 100);
    field("negatives", negatives, "words that a batch's own are told from", 1, 1'000'000);
    field("subsample", subsample, "share of all words above which one is left out at times (t); 0: none is", 0.0, 1.0);
    field("view", view, "view of the texts", {"none", "weak", "contrast"});
  }
};

constexpr double kFlatter = 0.75;  // the power of their shares that negative words are drawn by

/// N × T × E → N × T × E: of each place the sum over those at most `window` away, itself left out.
Tensor sum_of_neighbours(const Tensor& values, int64_t window) {
  const int64_t length = values.size(1);
  const Tensor sums = torch::constant_pad_nd(values.cumsum(1), {0, 0, 1, 0});
  const Tensor place = torch::arange(length, values.options().dtype(torch::kLong).requires_grad(false));
  const Tensor to = (place + window + 1).clamp_max(length), from = (place - window).clamp_min(0);
  return sums.index_select(1, to) - sums.index_select(1, from) - values;
}

class Cbow final : public Method, public Encoder {
 public:
  Cbow(const CbowConfig& config, const Task& task, Net net)
      : config_(config), vocabulary_(task.layout.vocabulary), net_(register_module("net", std::move(net))) {
    out_ = register_parameter("out", torch::zeros_like(token_embedding(*net_, "cbow").embedding_weight()));
    seen_ = register_buffer("seen", torch::zeros({vocabulary_}, torch::kDouble));
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor& all = batch.unlabeled.x.at(0);
    const auto [ids, kept] = words_kept(all.to(torch::kLong));

    // A row of the net's table is what a word says as a neighbour, one of `out_` what its neighbours should say.
    const Tensor& table = token_embedding(*net_, "cbow").embedding_weight();
    const Tensor there = kept.unsqueeze(2).to(torch::kFloat);
    const Tensor sum = sum_of_neighbours(torch::embedding(table, ids) * there, config_.window);
    const Tensor count = sum_of_neighbours(there, config_.window);
    const Tensor at = kept.logical_and(count.squeeze(2).gt(0.5)).flatten().nonzero().squeeze(1);
    // A mean of few words, scaled as embeddings are to deviation 1.
    const double scale = std::sqrt(static_cast<double>(table.size(1)));
    const Tensor mean = (sum / count.clamp_min(1.0)).flatten(0, 1).index_select(0, at) * scale;

    // Softmax over the word and the negative ones; where one of these is the word itself, it does not count.
    const Tensor word = ids.flatten().index_select(0, at), other = draw_negatives();
    const Tensor own = (mean * torch::embedding(out_, word)).sum(1, true);
    const Tensor others = torch::mm(mean, torch::embedding(out_, other).t())
                              .to(torch::kFloat)
                              .masked_fill(word.unsqueeze(1).eq(other.unsqueeze(0)), -1e9);
    const Tensor loss_each = torch::logsumexp(torch::cat({own, others}, 1), 1) - own.squeeze(1);
    const Tensor loss = mean_or_zero(loss_each);

    step.minimize(loss);
    step.embeddings(mean);
    step.log({{"words/told", mean_or_zero(own.squeeze(1).gt(others.amax(1)).to(torch::kFloat))}});
  }

  /// The mean over all words seen is taken off the table. It is by far the longest direction of one that was learnt
  /// (Mu and Viswanath 2018, arXiv:1702.01417), tells texts apart by nothing but their length, and is what a head of a
  /// few labels would answer to first, with one class for all.
  void updated(double) override {
    const torch::NoGradGuard no_grad;
    Tensor table = token_embedding(*net_, "cbow").embedding_weight();
    const Tensor share = (seen_ / seen_.sum().clamp_min(1.0)).to(torch::kFloat);
    table.sub_(share.unsqueeze(0).mm(table));
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }

 private:
  /// The words that take part, moved together at the start of each text, and which places hold one. A word of share f
  /// stays with probability √(t/f) + t/f, as the authors' code has it.
  std::pair<Tensor, Tensor> words_kept(const Tensor& ids) {
    Tensor kept = ids.ge(kSpecialTokens);
    seen_ += torch::bincount(ids.masked_select(kept), {}, vocabulary_);
    if (config_.subsample > 0) {
      const Tensor rarity = config_.subsample * seen_.sum() / seen_.clamp_min(1.0);
      const Tensor chance = (rarity.sqrt() + rarity).to(torch::kFloat).index_select(0, ids.flatten()).view_as(ids);
      kept = kept.logical_and(torch::rand(ids.sizes(), chance.options()).lt(chance));
    }
    const Tensor order = std::get<1>(torch::sort(kept.to(torch::kByte), /*stable=*/true, 1, /*descending=*/true));
    const int64_t longest = std::max<int64_t>(kept.sum(1).max().item<int64_t>(), 1);
    return {ids.gather(1, order).slice(1, 0, longest), kept.gather(1, order).slice(1, 0, longest)};
  }

  Tensor draw_negatives() {
    const Tensor chance = seen_.pow(kFlatter);
    // Of texts without a word there is nothing to tell, whatever is drawn.
    return torch::multinomial(chance + (chance.sum().eq(0)), config_.negatives, true);
  }

  CbowConfig config_;
  int64_t vocabulary_;
  Net net_;
  Tensor out_;   // vocabulary × E
  Tensor seen_;  // how often each word was
};

}  // namespace

MethodInfo cbow() {
  return describe_method<Cbow, CbowConfig>(
             "cbow", "Continuous bag of words", "arXiv:1301.3781", "self/autoencoding",
             {{"net", {{"name", "text_cnn"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 2e-3}, {"weight_decay", 0.0}, {"warmup", 0.05}}},
              {"train", {{"batch", 128}, {"average", 0.0}}}})
      .of({Kind::text});
}

}  // namespace fewlabel
