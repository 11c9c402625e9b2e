#include "app/learnt_from.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/cancel.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "report/statistics.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

Json accuracy_of(int64_t right, int64_t total) {
  const Interval interval = wilson_interval(right, total);
  return {{"examples", total},
          {"accuracy", static_cast<double>(right) / static_cast<double>(total)},
          {"accuracy_low", interval.low},
          {"accuracy_high", interval.high}};
}

std::string accuracy_text(const Json& figures) {
  return fmt::format("{:.1f} % of {} (95 % interval {:.1f} to {:.1f})", 100 * figures["accuracy"].get<double>(),
                     with_commas(figures["examples"].get<int64_t>()), 100 * figures["accuracy_low"].get<double>(),
                     100 * figures["accuracy_high"].get<double>());
}

}  // namespace

void keep_learnt(const fs::path& model, const PreparedData& data, const Method& method, const InitialNet* initial) {
  const Needs needs = method.needs();
  std::vector<int64_t> with_label, without_label;
  (data.labels_needed ? with_label : without_label) = data.labeled.index;
  if (!needs.unlabeled.empty())
    without_label.insert(without_label.end(), data.unlabeled.index.begin(), data.unlabeled.index.end());
  LearntExamples learnt = learnt_examples(*data.train, with_label, without_label);
  if (initial)
    if (const auto before = load_learnt(initial->model)) learnt.add(*before);
  save_learnt(model, learnt);
}

ToldApart tell_apart(const Pool& pool, const ExampleStore& store, const LearntExamples& learnt) {
  ToldApart told;
  for (std::size_t i = 0; i < pool.index.size(); ++i) {
    stop_if_cancelled("evaluate");
    const Taught taught = learnt.of(content_of(store, pool.index[i]));
    if (taught == Taught::with_label) {
      ++told.left_out;
      continue;
    }
    told.judged.index.push_back(pool.index[i]);
    told.judged.label.push_back(pool.label[i]);
    told.without_label.push_back(taught == Taught::without_label);
  }
  return told;
}

Json learnt_figures(const ToldApart& told, const std::vector<bool>& correct,
                    const std::optional<LearntExamples>& learnt) {
  Json result = Json::object(), notes = Json::array();
  if (!learnt) {
    notes.push_back(
        "The run does not say what it learnt from (an older version made it): whether some of these examples taught it "
        "cannot be told, and on those it would be right for no merit.");
    result["notes"] = notes;
    return result;
  }
  if (told.left_out > 0) {
    result["left_out"] = told.left_out;
    notes.push_back(fmt::format(
        "{} labelled {} left out: the run learnt from {} with the label, and to be right there proves nothing.",
        with_commas(told.left_out), told.left_out == 1 ? "example is" : "examples are",
        told.left_out == 1 ? "it" : "them"));
  }
  int64_t known = 0, known_right = 0, right = 0;
  for (std::size_t i = 0; i < correct.size(); ++i) {
    right += correct[i];
    known += told.without_label[i];
    known_right += told.without_label[i] && correct[i];
  }
  const auto all = static_cast<int64_t>(correct.size());
  if (known == all && all > 0)
    notes.push_back("The run learnt from all of these pictures, but never saw their labels.");
  if (known > 0 && known < all) {
    result["learnt_unlabelled"] = accuracy_of(known_right, known);
    result["unseen"] = accuracy_of(right - known_right, all - known);
    notes.push_back(fmt::format("Right on {} that it learnt from without their label, and on {} that it never saw.",
                                accuracy_text(result["learnt_unlabelled"]), accuracy_text(result["unseen"])));
  }
  if (learnt->unrecorded > 0)
    notes.push_back(
        fmt::format("{} of the unlabelled examples that the run learnt from are not on record: more of "
                    "these may be among them.",
                    with_commas(learnt->unrecorded)));
  if (!notes.empty()) result["notes"] = notes;
  return result;
}

}  // namespace fewlabel
