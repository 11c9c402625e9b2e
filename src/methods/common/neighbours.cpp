#include "methods/common/neighbours.h"

#include <algorithm>
#include <vector>

#include "core/cancel.h"
#include "methods/common/linear_head.h"

namespace fewlabel {

Neighbours nearest(const Tensor& rows, int64_t k) {
  constexpr int64_t kRows = 500;  // of the matrix of cosines at a time
  const Tensor unit = rows_of_length_one(rows.to(torch::kFloat));
  const int64_t count = unit.size(0);
  k = std::min(k, std::max<int64_t>(count - 1, 0));
  if (count == 0) return {torch::empty({0, 0}, torch::kLong), torch::empty({0, 0}, torch::kDouble)};
  std::vector<Tensor> indices, cosines;
  for (int64_t begin = 0; begin < count; begin += kRows) {
    stop_if_cancelled("fit");
    const int64_t end = std::min(begin + kRows, count);
    Tensor cosine = unit.slice(0, begin, end).mm(unit.t());
    cosine.diagonal(begin).fill_(-2);
    const auto [value, index] = cosine.topk(k, 1);
    indices.push_back(index);
    cosines.push_back(value.clamp_min(0).to(torch::kDouble));
  }
  return {torch::cat(indices), torch::cat(cosines)};
}

Tensor Graph::times(const Tensor& values) const {
  const int64_t count = index_.size(0), k = index_.size(1), columns = values.size(1);
  const Tensor weight = weight_.unsqueeze(2);
  const Tensor there = (values.index_select(0, index_.flatten()).view({count, k, columns}) * weight).sum(1);
  Tensor back = torch::zeros_like(values);
  back.index_add_(0, index_.flatten(), (values.unsqueeze(1) * weight).reshape({count * k, columns}));
  return (there + back) / 2;
}

Graph Graph::normalised() const {
  const Tensor degree = times(torch::ones({index_.size(0), 1}, weight_.options())).squeeze(1).clamp_min(1e-12);
  const Tensor root = degree.rsqrt();
  return {index_, weight_ * root.unsqueeze(1) * root.index_select(0, index_.flatten()).view_as(weight_)};
}

}  // namespace fewlabel
