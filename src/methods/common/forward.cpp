#include "methods/common/forward.h"

#include <ATen/autocast_mode.h>

namespace fewlabel {

void ConsistencyConfig::fields(FieldVisitor& field) {
  field("mu", mu, "unlabelled examples per labelled one (μ)", 1, 64);
  field("lambda_u", lambda_u, "weight of the unlabelled loss (λ_u)", 0.0, 1000.0);
  field("rotation", rotation, "weight of predicting by how many quarter turns an unlabelled image was rotated", 0.0,
        100.0);
  field("labeled_view", labeled_view, "view of the labelled examples", {"weak", "strong"});
  field("weak_forward", weak_forward, "forward pass of the weak views: its own without gradient, or one with all",
        {"separate", "together"});
  field("align", align, "align the predictions with the class shares of the labels");
  field("align_decay", align_decay, "decay of the average prediction used by align", 0.0, 0.99999);
}

void ConsistencyConfig::strong_field(FieldVisitor& field) {
  field("strong_forward", strong_forward, "passes of the strong views: of all, or of those whose pseudo-label is kept",
        {"all", "kept"});
}

Json short_consistency_settings(const Json& own) {
  Json method = {{"mu", 5}, {"labeled_view", "strong"}, {"align", true}, {"align_decay", 0.99}, {"rotation", 1.0}};
  method.update(own);
  return {{"method", method}};
}

ConsistencyLogits forward_consistency(NetModule& net, const Batch& batch, const ConsistencyConfig& config) {
  const Tensor &x = batch.labeled.x.at(0), &weak = batch.unlabeled.x.at(0), &strong = batch.unlabeled.x.at(1);
  if (config.strong_forward == "kept") return {{}, forward_without_gradient(net, weak), {}};
  if (config.weak_forward == "together") {
    const auto parts =
        net.forward(torch::cat({x, weak, strong})).split_with_sizes({x.size(0), weak.size(0), strong.size(0)});
    return {parts[0], parts[1].detach(), parts[2]};
  }
  const auto [p_x, p_strong] = forward_together(net, x, strong);
  // Second on purpose: autocast keeps the first cast of each weight, and one made without gradient would cut the
  // weights off from the loss.
  const torch::NoGradGuard no_grad;
  return {p_x, net.forward(weak), p_strong};
}

void finish_consistency(ConsistencyLogits& logits, NetModule& net, const Batch& batch, const Tensor& kept) {
  if (logits.x.defined()) return;
  const Tensor chosen = kept.nonzero().squeeze(1);
  const auto [x, strong] =
      forward_together(net, batch.labeled.x.at(0), batch.unlabeled.x.at(1).index_select(0, chosen));
  logits.x = x;
  logits.u_strong = torch::zeros({kept.size(0), strong.size(1)}, strong.options()).index_copy(0, chosen, strong);
}

Tensor forward_without_gradient(NetModule& net, const Tensor& x) {
  const torch::NoGradGuard no_grad;
  const Tensor logits = net.forward(x);
  at::autocast::clear_cache();  // a cast made without gradient would cut the weights off from the next pass
  return logits;
}

std::pair<Tensor, Tensor> forward_together(NetModule& net, const Tensor& a, const Tensor& b) {
  const auto parts = forward_parts(net, {a, b});
  return {parts[0], parts[1]};
}

std::vector<Tensor> forward_parts(NetModule& net, const std::vector<Tensor>& batches) {
  std::vector<int64_t> sizes;
  for (const Tensor& batch : batches) sizes.push_back(batch.size(0));
  return net.forward(torch::cat(batches)).split_with_sizes(sizes);
}

}  // namespace fewlabel
