#include "methods/common/rotation.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "methods/common/losses.h"
#include "methods/common/statistics_guard.h"
#include "nets/initialise.h"

namespace fewlabel {
namespace {

constexpr int64_t kTurns = 4;
constexpr int64_t kShare = 3;  // every third example is turned

}  // namespace

RotationImpl::RotationImpl(double weight, int64_t features, const Task& task) : weight_(weight) {
  if (weight <= 0) return;
  if (task.layout.kind != Kind::image)
    throw Error(
        ErrorKind::usage, "method",
        fmt::format("rotation = {}: images have quarter turns, {}s have none", weight, word_for_one(task.layout.kind)),
        "leave method.rotation out");
  head_ = register_module("head", torch::nn::Linear(features, kTurns));
  initialise(*this, task.seed, "rotation");
}

Tensor RotationImpl::loss(NetModule& net, const Batch& batch, Step& step) {
  const Tensor& weak = batch.unlabeled.x.at(0);
  if (!head_) return torch::zeros({}, weak.options().dtype(torch::kFloat));
  const Tensor chosen = weak.slice(0, 0, {}, kShare);
  const Tensor turn = torch::arange(chosen.size(0), batch.labeled.y.options()).remainder(kTurns);
  Tensor turned = torch::empty_like(chosen);
  for (int64_t k = 0; k < kTurns; ++k)
    turned.slice(0, k, {}, kTurns).copy_(torch::rot90(chosen.slice(0, k, {}, kTurns), k, {2, 3}));
  const StatisticsGuard still(net);
  const Tensor logits = head_->forward(net.features(turned)).to(torch::kFloat);
  const Tensor loss = cross_entropy(logits, turn);
  step.log({{"loss/rotation", loss}, {"rotation/accuracy", logits.argmax(1).eq(turn).to(torch::kFloat).mean()}});
  return weight_ * loss;
}

}  // namespace fewlabel
