#include "app/unlabelled.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "app/evaluation.h"
#include "app/look_alikes.h"
#include "app/representation.h"
#include "core/cancel.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr std::size_t kShownClasses = 40;    // with examples
constexpr std::size_t kShownPictures = 240;  // in all galleries
constexpr std::size_t kSuspicious = 24;
constexpr std::size_t kPairs = 16;
constexpr double kSure = 0.8, kUnlikely = 0.1;  // of what it says, of what the label says
constexpr double kTaught = 0.75;                // with fewer right on the labels, being wrong there says nothing
constexpr int32_t kSide = 64;                   // of a picture in the report, in pixels

/// What is said to each example, and how surely.
struct Best {
  std::vector<float> sure;
  std::vector<int64_t> said;
};

Best best_of(const Answers& answers) {
  const auto [sure, said] = answers.probability.max(1);
  const Tensor s = sure.to(torch::kFloat).contiguous(), c = said.contiguous();
  return {{s.data_ptr<float>(), s.data_ptr<float>() + s.numel()},
          {c.data_ptr<int64_t>(), c.data_ptr<int64_t>() + c.numel()}};
}

class Showcase {
 public:
  Showcase(const Answers& labelled, const Answers& unlabelled, const PreparedData& data)
      : labelled_(labelled), unlabelled_(unlabelled), data_(data), classes_(data.dataset.classes.size()) {
    rows_.resize(classes_);
    const auto [sure, said] = best_of(unlabelled);
    for (std::size_t i = 0; i < said.size(); ++i)
      rows_[static_cast<std::size_t>(said[i])].push_back(static_cast<int64_t>(i));
    sure_ = sure;
    for (auto& rows : rows_)
      std::stable_sort(rows.begin(), rows.end(), [&](int64_t a, int64_t b) { return sureness(a) > sureness(b); });
  }

  Json json() const {
    Json json = {{"examples", unlabelled_.size()},
                 {"of", unlabelled_.of},
                 {"classes", galleries()},
                 {"suspicious", suspicious()}};
    const LookAlikes found = look_alikes(*data_.modality, *data_.train, labelled_.pool, unlabelled_.pool);
    json["compared"] = found.compared;
    int64_t pairs = 0;
    json["near_duplicates"] = Json::array();
    json["two_labels"] = Json::array();
    for (const auto& pair : found.pairs) {
      const bool contradict =
          pair.first_label != kUnlabeled && pair.second_label != kUnlabeled && pair.first_label != pair.second_label;
      pairs += contradict ? 0 : 1;
      Json& list = json[contradict ? "two_labels" : "near_duplicates"];
      if (list.size() < kPairs)
        list.push_back({{"first", shown(pair.first, pair.first_label)},
                        {"second", shown(pair.second, pair.second_label)},
                        {"likeness", pair.likeness}});
    }
    json["pairs"] = pairs;
    return json;
  }

 private:
  Json shown(int64_t index, int32_t label) const {
    Json json = {{"name", data_.dataset.train->name(index)}};
    if (label != kUnlabeled) json["class"] = name_of(label);
    attach(json, small(index));
    return json;
  }

  /// As an exhibit.
  Json small(int64_t index) const { return data_.modality->show({*data_.dataset.train, *data_.train, index}, kSide); }

  const std::string& name_of(int64_t c) const { return data_.dataset.classes[static_cast<std::size_t>(c)]; }

  /// Of each class: counts, and for the classes with the most calls the surest and the least sure of them.
  Json galleries() const {
    const std::vector<int64_t> calls = called(unlabelled_, classes_), labels = class_counts(data_.labeled, classes_);
    std::vector<std::size_t> order(classes_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return calls[a] > calls[b]; });
    order.resize(std::min(classes_, kShownClasses));
    const std::set<std::size_t> with_pictures(order.begin(), order.end());
    const std::size_t each =
        std::clamp<std::size_t>(kShownPictures / (2 * std::max<std::size_t>(order.size(), 1)), 3, 8);
    Json list = Json::array();
    for (std::size_t c = 0; c < classes_; ++c) {
      Json of_class = {{"name", data_.dataset.classes[c]}, {"labels", labels[c]}, {"called", calls[c]}};
      if (with_pictures.contains(c) && calls[c] > 0) {
        stop_if_cancelled();
        std::vector<int64_t> rows = rows_[c];
        // Half at each end where there are few, so that none is shown as both.
        const std::size_t half = std::min(each, (rows.size() + 1) / 2);
        of_class["surest"] = pictures({rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(half)});
        std::reverse(rows.begin(), rows.end());
        rows.resize(std::min(each, rows.size() - half));
        of_class["least_sure"] = pictures(rows);
      }
      list.push_back(std::move(of_class));
    }
    return list;
  }

  float sureness(int64_t row) const { return sure_[static_cast<std::size_t>(row)]; }

  Json pictures(const std::vector<int64_t>& rows) const {
    Json list = Json::array();
    for (const int64_t row : rows) {
      const int64_t index = unlabelled_.pool.index[static_cast<std::size_t>(row)];
      list.push_back({{"name", data_.dataset.train->name(index)}, {"probability", sureness(row)}});
      attach(list.back(), small(index));
    }
    return list;
  }

  /// Labelled examples that the model, which learnt them, is sure to be something else.
  Json suspicious() const {
    Json list = Json::array();
    const int64_t asked = labelled_.size();
    if (asked == 0 || static_cast<double>(right_answers(labelled_)) < kTaught * static_cast<double>(asked)) return list;
    const Best best = best_of(labelled_);
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < best.said.size(); ++i) {
      const int32_t label = labelled_.pool.label[i];
      if (best.said[i] != label && best.sure[i] >= kSure &&
          labelled_.probability[static_cast<int64_t>(i)][label].item<double>() <= kUnlikely)
        rows.push_back(i);
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [&](std::size_t a, std::size_t b) { return best.sure[a] > best.sure[b]; });
    rows.resize(std::min(rows.size(), kSuspicious));
    for (const std::size_t at : rows) {
      list.push_back({{"name", data_.dataset.train->name(labelled_.pool.index[at])},
                      {"label", name_of(labelled_.pool.label[at])},
                      {"predicted", name_of(best.said[at])},
                      {"probability", best.sure[at]}});
      attach(list.back(), small(labelled_.pool.index[at]));
    }
    return list;
  }

  const Answers &labelled_, &unlabelled_;
  const PreparedData& data_;
  std::size_t classes_;
  std::vector<float> sure_;                 // of each unlabelled answer
  std::vector<std::vector<int64_t>> rows_;  // those called each class, the surest first
};

}  // namespace

Answers ask(const LogitFunction& logits, const ExampleStore& store, const Pool& pool, int64_t most) {
  constexpr int64_t kSlice = 500;
  Answers answers{part_of(pool, most), pool.size(), {}};
  drop_damaged(answers.pool, store);
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < answers.size(); begin += kSlice) {
    stop_if_cancelled();
    const auto from = answers.pool.index.begin() + begin;
    parts.push_back(logits(store, {from, from + std::min(kSlice, answers.size() - begin)}).softmax(1));
  }
  answers.probability = parts.empty() ? torch::empty({0, 1}) : torch::cat(parts);
  return answers;
}

std::vector<int64_t> called(const Answers& answers, std::size_t classes) {
  std::vector<int64_t> counts(classes);
  if (answers.size() == 0) return counts;
  for (const int64_t c : best_of(answers).said) ++counts[static_cast<std::size_t>(c)];
  return counts;
}

std::vector<int64_t> class_counts(const Pool& pool, std::size_t classes) {
  std::vector<int64_t> counts(classes);
  for (const int32_t label : pool.label)
    if (label != kUnlabeled) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

int64_t right_answers(const Answers& answers) {
  if (answers.size() == 0) return 0;
  return answers.probability.argmax(1).eq(torch::tensor(answers.pool.label, torch::kLong)).sum().item<int64_t>();
}

Json unlabelled_json(const Answers& labelled, const Answers& unlabelled, const PreparedData& data) {
  return unlabelled.size() == 0 ? Json::object() : Showcase(labelled, unlabelled, data).json();
}

}  // namespace fewlabel
