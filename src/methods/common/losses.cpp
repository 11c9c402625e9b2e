#include "methods/common/losses.h"

namespace fewlabel {
namespace F = torch::nn::functional;

Tensor cross_entropy(const Tensor& logits, const Tensor& label, double smoothing) {
  return F::cross_entropy(logits.to(torch::kFloat), label, F::CrossEntropyFuncOptions().label_smoothing(smoothing));
}

Tensor cross_entropy_each(const Tensor& logits, const Tensor& label) {
  return F::cross_entropy(logits.to(torch::kFloat), label, F::CrossEntropyFuncOptions().reduction(torch::kNone));
}

Tensor probabilities(const Tensor& logits) { return torch::softmax(logits.detach().to(torch::kFloat), 1); }

Tensor softmax_rows(const Tensor& logits) { return torch::softmax(logits.to(torch::kFloat), 1); }

Tensor squared_difference_each(const Tensor& p, const Tensor& q) { return (p - q).square().mean(1); }

Tensor divergence_each(const Tensor& p, const Tensor& logits) {
  return (torch::xlogy(p, p) - p * torch::log_softmax(logits.to(torch::kFloat), 1)).sum(1);
}

Tensor entropy_each(const Tensor& logits) {
  const Tensor log_q = torch::log_softmax(logits.to(torch::kFloat), 1);
  return -(log_q.exp() * log_q).sum(1);
}

PseudoLabels most_probable(const Tensor& probabilities) {
  const auto [confidence, label] = probabilities.max(1);
  return {confidence, label};
}

Tensor one_hot_rows(const Tensor& label, int64_t classes) {
  return torch::zeros({label.size(0), classes}, label.options().dtype(torch::kFloat))
      .scatter_(1, label.unsqueeze(1), 1.0);
}

}  // namespace fewlabel
