#include "app/neighbours.h"

#include <algorithm>

#include "app/evaluation.h"
#include "eval/classify.h"
#include "methods/common/heads.h"

namespace fewlabel {
namespace {

constexpr int64_t kShown = 3, kLookedAt = 1000;

}  // namespace

std::vector<std::vector<Neighbour>> nearest(const Tensor& labelled, const Tensor& asked, int64_t most) {
  const Tensor mean = labelled.mean(0);
  const auto [likeness, place] = unit_rows(asked - mean)
                                     .mm(unit_rows(labelled - mean).t())
                                     .topk(std::min(most, labelled.size(0)), 1, /*largest=*/true, /*sorted=*/true);
  std::vector<std::vector<Neighbour>> found(static_cast<std::size_t>(asked.size(0)));
  for (int64_t i = 0; i < asked.size(0); ++i)
    for (int64_t k = 0; k < place.size(1); ++k)
      found[static_cast<std::size_t>(i)].push_back({place[i][k].item<int64_t>(), likeness[i][k].item<double>()});
  return found;
}

std::vector<Json> labelled_neighbours(const PreparedData& data, const FeatureFunction& features,
                                      const Normalization& rule, const std::vector<int64_t>& asked) {
  std::vector<Json> all(asked.size(), Json::array());
  Pool known = part_of(data.labeled, kLookedAt);
  drop_damaged(known, *data.train);
  if (known.size() == 0 || asked.empty()) return all;
  const Tensor rows = logits_of(features, *data.train, known.index, rule);
  const Tensor own = logits_of(features, data.judged_store(), asked, rule);
  const auto found = nearest(rows, own, kShown);
  for (std::size_t i = 0; i < found.size(); ++i)
    for (const Neighbour& neighbour : found[i]) {
      const auto at = static_cast<std::size_t>(neighbour.place);
      Json item = {{"class", data.dataset.classes[static_cast<std::size_t>(known.label[at])]},
                   {"name", data.dataset.train->name(known.index[at])},
                   {"likeness", neighbour.likeness}};
      Json exhibit = data.modality->show({*data.dataset.train, *data.train, known.index[at]});
      if (exhibit.at("kind") != "sound") attach(item, std::move(exhibit));  // which would be most of the report
      all[i].push_back(std::move(item));
    }
  return all;
}

}  // namespace fewlabel
