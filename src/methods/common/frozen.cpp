#include "methods/common/frozen.h"

#include <algorithm>
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

std::vector<int64_t> evenly_spaced(int64_t count, int64_t most) {
  const int64_t taken = std::min(count, most);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < taken; ++i) rows.push_back(i * count / taken);
  return rows;
}

std::vector<Tensor> surest_of_each(const Tensor& sure, const Tensor& label, int64_t classes, double part) {
  std::vector<Tensor> rows;
  for (int64_t c = 0; c < classes; ++c) {
    const Tensor members = label.eq(c).nonzero().squeeze(1);
    const auto count = static_cast<int64_t>(std::ceil(part * static_cast<double>(members.numel())));
    const Tensor order = std::get<1>(sure.index_select(0, members).sort(/*stable=*/true, 0, /*descending=*/true));
    rows.push_back(members.index_select(0, order.slice(0, 0, count)));
  }
  return rows;
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
