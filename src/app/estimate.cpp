#include "app/estimate.h"

#include <algorithm>

#include "eval/classify.h"
#include "report/statistics.h"

namespace fewlabel {

Json fold_result(const Tensor& held_out_logits, const PreparedData& data, const std::vector<int64_t>& compared) {
  return {{"true", data.judged.label}, {"predicted", best_classes(held_out_logits)}, {"compared", compared}};
}

Estimate estimate_of(const std::vector<Json>& folds, const std::vector<int64_t>& own) {
  int64_t right = 0, total = 0, compared = 0, other = 0;
  for (const Json& fold : folds) {
    const auto truth = fold.at("true").get<std::vector<int64_t>>();
    const auto predicted = fold.at("predicted").get<std::vector<int64_t>>();
    const auto theirs = fold.at("compared").get<std::vector<int64_t>>();
    total += static_cast<int64_t>(truth.size());
    for (std::size_t i = 0; i < truth.size(); ++i) right += truth[i] == predicted[i];
    for (std::size_t i = 0; i < std::min(own.size(), theirs.size()); ++i) {
      ++compared;
      other += own[i] != theirs[i];
    }
  }
  Estimate estimate;
  if (total == 0) return estimate;
  const Interval interval = wilson_interval(right, total);
  estimate.examples = total;
  estimate.accuracy = static_cast<double>(right) / static_cast<double>(total);
  if (compared > 0) estimate.disagreement = static_cast<double>(other) / static_cast<double>(compared);
  estimate.low = interval.low;
  estimate.high = std::min(1.0, interval.high + estimate.disagreement);
  return estimate;
}

}  // namespace fewlabel
