#include "nets/dropout.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace fewlabel {
namespace {

constexpr int64_t kEach = 4, kGrain = 1 << 14;  // numbers that 64 bits decide on; such groups a thread
constexpr double kParts = 65536.0;

/// The finaliser of SplitMix64.
uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

/// 0 with probability `share`, else 1 / (1 - share); number i depends on the seed and i alone.
torch::Tensor mask_of(torch::IntArrayRef sizes, double share, uint64_t seed) {
  torch::Tensor mask = torch::empty(sizes, torch::kFloat);
  const auto least = static_cast<uint64_t>(std::lround(share * kParts));
  const auto kept = static_cast<float>(1.0 / (1.0 - static_cast<double>(least) / kParts));
  float* out = mask.data_ptr<float>();
  const int64_t count = mask.numel();
  at::parallel_for(0, (count + kEach - 1) / kEach, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t bits = mixed(seed + static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ULL);
      const int64_t last = std::min(kEach, count - i * kEach);
      for (int64_t j = 0; j < last; ++j) out[i * kEach + j] = ((bits >> (16 * j)) & 0xffffU) < least ? 0.0F : kept;
    }
  });
  return mask;
}

}  // namespace

torch::Tensor InnerDropoutImpl::forward(const torch::Tensor& x) {
  if (!is_training() || share_ <= 0) return x;
  if (!x.device().is_cpu()) return torch::dropout(x, share_, /*train=*/true);
  const auto seed = static_cast<uint64_t>(torch::randint(int64_t{1} << 62, {1}, torch::kLong).item<int64_t>());
  return x * mask_of(x.sizes(), share_, seed).to(x.scalar_type());
}

}  // namespace fewlabel
