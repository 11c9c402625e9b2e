#include "methods/common/linear_head.h"

#include <cmath>

#include "core/work.h"

namespace fewlabel {

FeatureScale::FeatureScale(const Tensor& rows, bool unit_length) : unit(unit_length) {
  const Tensor x = rows.to(torch::kDouble);
  mean = x.mean(0);
  const double variance = (x - mean).square().mean().item<double>();
  factor = torch::full_like(mean, variance > 1e-30 ? 1 / std::sqrt(variance) : 0.0);
}

Tensor FeatureScale::operator()(const Tensor& x) const {
  const Tensor scaled = (x.to(torch::kDouble) - mean) * factor;
  return unit ? rows_of_length_one(scaled) : scaled / std::sqrt(static_cast<double>(x.size(1)));
}

LinearHead fit_logistic(const SoftLabels& labels, double c, const Solver& solver) {
  const torch::NoGradGuard no_gradient;
  const int64_t size = labels.x.size(1), classes = labels.target.size(1);
  const Tensor count = labels.weight.unsqueeze(1), own = labels.target * count;
  const double total = labels.weight.sum().item<double>();
  // The solver's tolerances are of a mean, whatever the number of examples.
  const double share = 1 / std::max(total, 1.0), decay = share / c;
  const auto type = labels.x.options();
  Tensor weight = solver.start ? solver.start->weight.t().to(type).contiguous() : torch::zeros({size, classes}, type);
  Tensor bias = solver.start ? solver.start->bias.to(type).clone() : torch::zeros({classes}, type);
  weight.requires_grad_();
  bias.requires_grad_();
  torch::optim::LBFGS steps({weight, bias}, torch::optim::LBFGSOptions(1.0)
                                                .max_iter(solver.iterations)
                                                .tolerance_grad(solver.tolerance)
                                                .tolerance_change(1e-10)
                                                .history_size(10)
                                                .line_search_fn("strong_wolfe"));
  Work work("fitting a linear classifier", 0);
  steps.step([&] {
    work.advance();
    const torch::NoGradGuard by_hand;  // the solver turns gradients on; they are written out here
    const Tensor log_p = (labels.x.mm(weight) + bias).log_softmax(1);
    const Tensor error = (log_p.exp() * count - own) * share;
    weight.mutable_grad() = labels.x.t().mm(error).add_(weight, decay);
    bias.mutable_grad() = error.sum(0);
    return -(log_p * own).sum() * share + weight.square().sum() * (decay / 2);
  });
  return {weight.detach().t().contiguous(), bias.detach()};
}

Tensor label_rows(const Tensor& y, int64_t classes) { return torch::one_hot(y, classes).to(torch::kDouble); }

Tensor rows_of_length_one(const Tensor& x) { return x / x.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12); }

}  // namespace fewlabel
