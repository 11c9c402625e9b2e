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
  field("align", align, "align the average prediction with the class shares that align_to names");
  field("align_decay", align_decay, "decay of the average prediction used by align", 0.0, 0.99999);
  align_to_field(field, align_to);
}

void ConsistencyConfig::strong_field(FieldVisitor& field) {
  field("strong_forward", strong_forward, "passes of the strong views: of all, or of those whose pseudo-label is kept",
        {"all", "kept"});
}

Json short_consistency_settings(const Json& own) {
  Json method = {
      {"mu", 5},        {"labeled_view", "strong"}, {"align", true}, {"align_decay", 0.99}, {"align_to", "learnt"},
      {"rotation", 1.0}};
  method.update(own);
  return {{"method", method}};
}

namespace {

/// Features and logits of a pass.
struct Seen {
  Tensor features, logits;
};

Seen see(NetModule& net, const Tensor& x) {
  const Tensor features = net.features(x);
  return {features, net.classify(features)};
}

}  // namespace

ConsistencyLogits forward_consistency(NetModule& net, const Batch& batch, const ConsistencyConfig& config) {
  const Tensor &x = batch.labeled.x.at(0), &weak = batch.unlabeled.x.at(0), &strong = batch.unlabeled.x.at(1);
  const int64_t b = x.size(0), u = weak.size(0);
  if (config.strong_forward == "kept") {
    const torch::NoGradGuard no_grad;
    const Seen seen = see(net, weak);
    at::autocast::clear_cache();  // a cast made without gradient would cut the weights off from the next pass
    return {{}, seen.logits, {}, {{}, seen.features}};
  }
  if (config.weak_forward == "together") {
    const Seen seen = see(net, torch::cat({x, weak, strong}));
    const auto parts = seen.logits.split_with_sizes({b, u, strong.size(0)});
    return {parts[0],
            parts[1].detach(),
            parts[2],
            {seen.features.slice(0, 0, b), seen.features.slice(0, b, b + u).detach()}};
  }
  const Seen seen = see(net, torch::cat({x, strong}));
  const auto parts = seen.logits.split_with_sizes({b, strong.size(0)});
  // Second on purpose: autocast keeps the first cast of each weight, and one made without gradient would cut the
  // weights off from the loss.
  const torch::NoGradGuard no_grad;
  const Seen second = see(net, weak);
  return {parts[0], second.logits, parts[1], {seen.features.slice(0, 0, b), second.features}};
}

void finish_consistency(ConsistencyLogits& logits, NetModule& net, const Batch& batch, const Tensor& kept) {
  if (logits.x.defined()) return;
  const Tensor chosen = kept.nonzero().squeeze(1);
  const Tensor& x = batch.labeled.x.at(0);
  const Seen seen = see(net, torch::cat({x, batch.unlabeled.x.at(1).index_select(0, chosen)}));
  logits.x = seen.logits.slice(0, 0, x.size(0));
  logits.features.x = seen.features.slice(0, 0, x.size(0));
  const Tensor strong = seen.logits.slice(0, x.size(0));
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
