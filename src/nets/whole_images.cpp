#include "nets/whole_images.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace fewlabel {

Tensor by_images(const Tensor& x, const std::function<Tensor(const Tensor&)>& f, int64_t pixels) {
  const int64_t count = x.size(0), threads = at::get_num_threads();
  const int64_t most = std::max<int64_t>(pixels / (x.size(2) * x.size(3)), 1);
  const bool whole = count >= threads;
  const std::vector<Tensor> images = x.split(whole ? std::min(most, count / threads) : most * threads);
  std::vector<Tensor> parts(images.size());
  const auto number = static_cast<int64_t>(images.size());
  at::parallel_for(0, number, whole ? 1 : number, [&](int64_t begin, int64_t end) {
    const torch::NoGradGuard no_grad;  // the thread's own
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) parts[i] = f(images[i]);
  });
  return torch::cat(parts);
}

}  // namespace fewlabel
