#include "app/look_alikes.h"

#include <torch/torch.h>

#include <algorithm>

#include "app/representation.h"
#include "core/cancel.h"

namespace fewlabel {
namespace {

constexpr int32_t kSide = 16;
constexpr int64_t kMost = 4000, kBlock = 500;
constexpr double kLike = 0.997;        // correlation
constexpr double kSameBrightness = 6;  // of 255: means and deviations of the two
constexpr double kFlat = 2;            // a deviation below which a picture shows nothing to compare
constexpr std::size_t kMostPairs = 10000;

/// Thumbnails, centred and of length 1, with their means and deviations.
struct Thumbnails {
  Tensor x, mean, deviation;  // N × 256, N, N
};

Thumbnails thumbnails(const ImageStore& store, const std::vector<int64_t>& indices) {
  const ImageShape shape = store.shape(), small{kSide, kSide, 1};
  Image image{shape.height, shape.width, shape.channels, std::vector<uint8_t>(static_cast<std::size_t>(shape.bytes()))};
  Tensor bytes = torch::empty({static_cast<int64_t>(indices.size()), small.bytes()}, torch::kByte);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    stop_if_cancelled("train", "stopped while the results were measured");
    store.fetch(indices[i], image.pixels.data());
    resize_into(image, small, bytes.data_ptr<uint8_t>() + static_cast<int64_t>(i) * small.bytes());
  }
  Tensor x = bytes.to(torch::kFloat);
  const Tensor mean = x.mean(1);
  x = x - mean.unsqueeze(1);
  const Tensor length = x.square().sum(1).sqrt();
  return {x / length.unsqueeze(1).clamp_min(1e-6), mean, length / kSide};
}

}  // namespace

LookAlikes look_alikes(const ImageStore& store, const Pool& labelled, const Pool& unlabelled) {
  Pool all = part_of(labelled, std::max(kMost / 2, kMost - unlabelled.size()));
  const Pool rest = part_of(unlabelled, kMost - all.size());
  all.index.insert(all.index.end(), rest.index.begin(), rest.index.end());
  all.label.resize(all.index.size(), kUnlabeled);
  LookAlikes found{all.size(), {}};
  const Thumbnails thumbs = thumbnails(store, all.index);
  const Tensor shows = thumbs.deviation > kFlat;
  for (int64_t begin = 0; begin < all.size() && found.pairs.size() < kMostPairs; begin += kBlock) {
    stop_if_cancelled("train", "stopped while the results were measured");
    const int64_t count = std::min(kBlock, all.size() - begin);
    const auto block = [&](const Tensor& of) { return of.slice(0, begin, begin + count).unsqueeze(1); };
    const Tensor likeness = thumbs.x.slice(0, begin, begin + count).mm(thumbs.x.t());
    Tensor alike = (likeness > kLike) & block(shows) & shows.unsqueeze(0) &
                   ((block(thumbs.mean) - thumbs.mean.unsqueeze(0)).abs() < kSameBrightness) &
                   ((block(thumbs.deviation) - thumbs.deviation.unsqueeze(0)).abs() < kSameBrightness);
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
