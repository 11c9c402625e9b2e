#include "app/representation.h"

#include <algorithm>
#include <cmath>

#include "eval/classify.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// Those of a pool that have a label.
Pool with_label(const Pool& pool) {
  Pool kept;
  for (std::size_t i = 0; i < pool.index.size(); ++i)
    if (pool.label[i] != kUnlabeled) {
      kept.index.push_back(pool.index[i]);
      kept.label.push_back(pool.label[i]);
    }
  return kept;
}

Features features_of(const FeatureFunction& features, const ExampleStore& store, const Pool& pool,
                     const Normalization& rule) {
  return {logits_of(features, store, pool.index, rule).contiguous(), torch::tensor(pool.label, torch::kLong)};
}

}  // namespace

Pool part_of(const Pool& pool, int64_t most) {
  if (most <= 0 || pool.size() <= most) return pool;
  Pool part;
  for (int64_t i = 0; i < most; ++i) {
    const auto at = static_cast<std::size_t>(i * pool.size() / most);
    part.index.push_back(pool.index[at]);
    part.label.push_back(pool.label[at]);
  }
  return part;
}

bool can_probe(const PreparedData& data) {
  // Transcripts are no classes that features could be told by.
  return data.judge != Judge::none && !data.transcribed &&
         std::any_of(data.labeled.label.begin(), data.labeled.label.end(),
                     [](int32_t label) { return label != kUnlabeled; });
}

Representation::Representation(const PreparedData& data, const FeatureFunction& features, const Normalization& rule,
                               const ProbeLimits& limits)
    : judged_pool_(part_of(data.judged, limits.judged)) {
  if (!can_probe(data))
    throw Error(ErrorKind::data, data.dataset.name,
                data.judge == Judge::none ? "has no examples to judge by" : "has no labels to learn from",
                "a probe learns from labelled examples and is judged on others: a test set, or labels hidden by @N");
  known_ = features_of(features, *data.train, part_of(with_label(data.labeled), limits.known), rule);
  judged_ = features_of(features, data.judged_store(), judged_pool_, rule);
}

FeatureFunction pixel_features() {
  return [](const Tensor& x) { return x.flatten(1); };
}

Normalization pixel_rule(const Layout& layout) {
  const auto channels = static_cast<std::size_t>(layout.sizes.back());
  return {layout, std::vector<float>(channels, 0.F), std::vector<float>(channels, 1.F)};
}

Json principal_map(const Features& features, int64_t most) {
  const torch::NoGradGuard no_gradient;
  const int64_t count = std::min(most, features.x.size(0));
  if (count < 3 || features.x.size(1) < 2) return Json::object();
  const Tensor at = (torch::arange(count) * features.x.size(0)).div(count, "floor");
  const Tensor x = features.x.index_select(0, at).to(torch::kDouble), y = features.y.index_select(0, at);
  const Tensor centred = x - x.mean(0);
  const auto [value, vector] = torch::linalg_eigh(centred.t().mm(centred));
  const int64_t size = value.size(0);
  Tensor axes = torch::stack({vector.select(1, size - 1), vector.select(1, size - 2)}, 1);
  axes = axes * torch::where(axes.sum(0) < 0, -1.0, 1.0);  // an eigenvector has no sign of its own
  const Tensor place = centred.mm(axes);
  const Tensor low = std::get<0>(place.min(0)), high = std::get<0>(place.max(0));
  const Tensor grid = ((place - low) / (high - low).max().clamp_min(1e-12) * 1000).round().to(torch::kLong);
  const double all = value.clamp_min(0).sum().item<double>();
  Json points = Json::array();
  for (int64_t i = 0; i < count; ++i)
    points.push_back({grid[i][0].item<int64_t>(), grid[i][1].item<int64_t>(), y[i].item<int64_t>()});
  const auto share = [&](int64_t k) { return all > 0 ? value[size - k].item<double>() / all : 0.0; };
  return {{"points", points}, {"share", {share(1), share(2)}}};
}

}  // namespace fewlabel
