#include "app/look_alikes.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "app/representation.h"
#include "core/cancel.h"

namespace fewlabel {
namespace {

constexpr int64_t kMost = 4000, kBlock = 500;
constexpr std::size_t kMostPairs = 10000;

/// Sketches, centred and of length 1, with their means and deviations.
struct Sketches {
  Tensor x, mean, deviation;  // N × D, N, N
};

Sketches sketches(const Modality& modality, const ExampleStore& store, const std::vector<int64_t>& indices) {
  const int64_t size = modality.likeness().size;
  std::vector<uint8_t> example(static_cast<std::size_t>(store.layout().bytes()));
  Tensor x = torch::empty({static_cast<int64_t>(indices.size()), size}, torch::kFloat);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    stop_if_cancelled("train", "stopped while the results were measured");
    store.fetch(indices[i], example.data());
    modality.sketch(example.data(), store.layout(), x.data_ptr<float>() + static_cast<int64_t>(i) * size);
  }
  const Tensor mean = x.mean(1);
  x = x - mean.unsqueeze(1);
  const Tensor length = x.square().sum(1).sqrt();
  return {x / length.unsqueeze(1).clamp_min(1e-6), mean, length / std::sqrt(static_cast<double>(size))};
}

}  // namespace

LookAlikes look_alikes(const Modality& modality, const ExampleStore& store, const Pool& labelled,
                       const Pool& unlabelled) {
  Pool all = part_of(labelled, std::max(kMost / 2, kMost - unlabelled.size()));
  const Pool rest = part_of(unlabelled, kMost - all.size());
  all.index.insert(all.index.end(), rest.index.begin(), rest.index.end());
  all.label.resize(all.index.size(), kUnlabeled);
  const Likeness likeness_of = modality.likeness();
  if (likeness_of.size == 0) return {};
  LookAlikes found{all.size(), {}};
  const Sketches made = sketches(modality, store, all.index);
  const Tensor shows = made.deviation > likeness_of.flat;
  for (int64_t begin = 0; begin < all.size() && found.pairs.size() < kMostPairs; begin += kBlock) {
    stop_if_cancelled("train", "stopped while the results were measured");
    const int64_t count = std::min(kBlock, all.size() - begin);
    const auto block = [&](const Tensor& of) { return of.slice(0, begin, begin + count).unsqueeze(1); };
    const Tensor likeness = made.x.slice(0, begin, begin + count).mm(made.x.t());
    Tensor alike = (likeness > likeness_of.alike) & block(shows) & shows.unsqueeze(0) &
                   ((block(made.mean) - made.mean.unsqueeze(0)).abs() < likeness_of.level) &
                   ((block(made.deviation) - made.deviation.unsqueeze(0)).abs() < likeness_of.level);
    const Tensor places = alike.triu(begin + 1).nonzero();  // each pair once
    for (int64_t i = 0; i < places.size(0) && found.pairs.size() < kMostPairs; ++i) {
      const int64_t row = places[i][0].item<int64_t>(), column = places[i][1].item<int64_t>();
      const auto a = static_cast<std::size_t>(begin + row), b = static_cast<std::size_t>(column);
      found.pairs.push_back({all.index[a], all.index[b], all.label[a], all.label[b],
                             std::min(1.0, likeness[row][column].item<double>())});
    }
  }
  std::stable_sort(found.pairs.begin(), found.pairs.end(),
                   [](const LookAlike& a, const LookAlike& b) { return a.likeness > b.likeness; });
  return found;
}

}  // namespace fewlabel
