#include "methods/common/frozen.h"

#include <cmath>

#include "core/cancel.h"
#include "fewlabel/error.h"

namespace fewlabel {

HeadParameters head_of(NetModule& net) {
  const auto parameters = net.named_parameters();
  const Tensor *weight = parameters.find("head.linear.weight"), *bias = parameters.find("head.linear.bias");
  if (!weight || !bias)
    throw Error(ErrorKind::usage, "net", net.blueprint().config.name.value_or("net") + " has no linear head",
                "choose another net, or a method that trains the whole of it, such as supervised");
  const auto buffers = net.named_buffers();
  const Tensor *mean = buffers.find("head.mean"), *factor = buffers.find("head.factor");
  return {*weight, *bias, mean ? *mean : Tensor(), factor ? *factor : Tensor()};
}

FrozenMethod::FrozenMethod(const Task& task, Net net)
    : net_(register_module("net", std::move(net))), classes_(task.classes), pool_share_(task.pool_share) {
  fewlabel::head_of(*net_);
}

Groups FrozenMethod::groups() {
  const HeadParameters head = fewlabel::head_of(*net_);
  return {{"model", {head.weight, head.bias}}};
}

void FrozenMethod::fit(const FeaturePools& pools) {
  stop_if_cancelled("fit");
  const torch::NoGradGuard no_gradient;
  const HeadParameters head = fewlabel::head_of(*net_);
  const bool unit = head.mean.defined();
  const FeatureScale scale(torch::cat({pools.labeled, pools.unlabeled}), unit);
  LinearHead found = head_of({scale(pools.labeled), pools.y, scale(pools.unlabeled), classes_, pool_share_});
  found.weight = found.weight / std::sqrt(static_cast<double>(found.weight.size(1)));  // the net's are of length √D
  if (unit) {
    Tensor(head.mean).copy_(scale.mean);
    Tensor(head.factor).copy_(scale.factor);
  } else {  // the head sees raw features
    found.weight = found.weight * scale.factor;
    found.bias = found.bias - found.weight.mv(scale.mean);
  }
  Tensor(head.weight).copy_(found.weight);
  Tensor(head.bias).copy_(found.bias);
}

}  // namespace fewlabel
