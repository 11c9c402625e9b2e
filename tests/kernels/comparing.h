// How results of kernels are compared.
#pragma once
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace fewlabel::kernels {

/// max |a - b| / max |b|.
inline double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wanted = b.to(torch::kDouble);
  return ((a.to(torch::kDouble) - wanted).abs().max() / wanted.abs().max().clamp_min(1e-30)).item<double>();
}

/// Whatever f returns, with one thread and with three.
template <typename F>
void expect_same_bits(const F& f) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const std::vector<at::Tensor> one = f();
  at::set_num_threads(3);
  const std::vector<at::Tensor> three = f();
  at::set_num_threads(threads);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
}

}  // namespace fewlabel::kernels
