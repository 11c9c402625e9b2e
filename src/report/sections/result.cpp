// How right it is: the headline with its interval beside the baseline, and figures of the training.
#include <fmt/format.h>

#include <cmath>

#include "core/text.h"
#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

/// Small figures under the headline: name, value and what is to be said of it.
Json tiles(const Json& summary) {
  Json all = Json::array();
  const auto add = [&](const char* name, const std::string& value, const std::string& more = {}) {
    all.push_back({{"name", name}, {"value", value}, {"more", more}});
  };
  const auto ece = number_of(summary, "ece"), better = number_of(summary, "ece_calibrated");
  if (ece)
    add("Calibration error", percent_text(*ece), better ? percent_text(*better) + " after temperature scaling" : "");
  if (const auto taught = number_of(summary, "label_accuracy"); taught && !number_of(summary, "accuracy"))
    add("Right on its own labels", percent_text(*taught), "which it learnt: no test");
  if (const auto error = number_of(summary, "reconstruction_error"))
    add("Reconstruction", fmt::format("{:.4f}", *error), "squared, a pixel in [0, 1]");
  if (const auto spread = number_of(summary, "embedding_spread"))
    add("Feature spread", fmt::format("{:.2f}", *spread), "1 is even, 0 is collapsed");
  if (const auto rank = number_of(summary, "embedding_rank"))
    add("Feature rank", fmt::format("{:.1f}", *rank), "directions in use");
  if (const auto seconds = number_of(summary, "train_seconds")) {
    const auto steps = number_of(summary, "steps");
    add("Training", duration(*seconds), steps ? plural(*steps, "step", "steps") : "");
  }
  if (const auto speed = examples_per_second(summary)) add("Examples a second", count_text(*speed));
  if (const auto parameters = number_of(summary, "parameters"))
    add("Net", text_of(summary, "net"), short_number(*parameters) + " parameters");
  if (const auto memory = number_of(summary, "peak_memory_mb")) add("Peak memory", bytes_text(*memory * 1e6));
  if (const auto seed = number_of(summary, "seed")) add("Seed", fmt::format("{:.0f}", *seed));
  return all.empty() ? Json() : Json{{"all", all}};
}

/// A share as a large number, what it is, what is to be said below that, and the same beside others.
Json hero(const std::string& number, const std::string& what, const std::string& more,
          const std::vector<Whisker>& rows) {
  return {{"number", number}, {"what", what}, {"more", more}, {"chart", whisker_chart(rows)}};
}

std::string percent_number(double share, int digits) { return fmt::format("{:.{}f}", 100 * share, digits); }

Json points_between(double one, double other) {
  const double points = 100 * (one - other);
  return {{"points", fmt::format("{:+.1f}", points)}, {"sense", points >= 0 ? "better" : "worse"}};
}

Json against_baseline(const Json& s, double accuracy, double baseline) {
  Json view = points_between(accuracy, baseline);
  if (const auto seconds = number_of(s, "supervised_seconds")) view["trained"] = duration(*seconds);
  const auto mine = interval_of(s, "accuracy_low", "accuracy_high");
  const auto other = interval_of(s, "supervised_low", "supervised_high");
  if (mine && other) view[mine->low > other->high || other->low > mine->high ? "apart" : "overlap"] = true;
  return view;
}

/// The headline where a test set judges.
Json judged_result(const Json& s, double accuracy) {
  const auto baseline = number_of(s, "supervised_accuracy");
  const auto interval = interval_of(s, "accuracy_low", "accuracy_high");
  std::vector<Whisker> rows = {{method_title(s), 0, accuracy, interval}};
  if (baseline) rows.push_back({"Labels alone", 1, *baseline, interval_of(s, "supervised_low", "supervised_high")});
  const std::string between =
      interval ? fmt::format("95\u202f% interval {:.1f}–{:.1f}", 100 * interval->low, 100 * interval->high) : "";
  Json view = {{"hero", hero(percent_number(accuracy, 1), "accuracy", between, rows)}};
  if (baseline) view["against"] = against_baseline(s, accuracy, *baseline);
  return view;
}

/// The headline of a run without labels: what simple classifiers make of its features, beside the raw pixels.
Json frozen_result(const Json& s) {
  const auto linear = number_of(s, "linear_accuracy"), neighbours = number_of(s, "knn_accuracy");
  const auto euclidean = number_of(s, "knn_euclidean_accuracy");
  const auto pixels = number_of(s, "pixels_knn_accuracy"), tests = number_of(s, "test_examples");
  if (!linear && !neighbours) return {};
  const auto whisker = [&](const std::string& name, int colour, double value) {
    const auto total = static_cast<int64_t>(tests.value_or(0));
    const auto right = std::llround(value * static_cast<double>(total));
    return Whisker{name, colour, value, total > 0 ? std::optional(wilson_interval(right, total)) : std::nullopt};
  };
  std::vector<Whisker> rows;
  if (linear) rows.push_back(whisker("Linear classifier", 0, *linear));
  if (neighbours) rows.push_back(whisker("Nearest neighbours by angle", 2, *neighbours));
  if (euclidean) rows.push_back(whisker("Nearest neighbours by distance", 2, *euclidean));
  if (pixels) rows.push_back(whisker("The same of raw pixels", 1, *pixels));
  const auto labels = number_of(s, "probe_labels");
  Json view = {
      {"hero", hero(percent_number(linear.value_or(neighbours.value_or(0)), 1),
                    linear ? "linear classifier" : "nearest neighbours",
                    "on frozen features" + (labels ? ", " + count_text(*labels) + " labels" : std::string()), rows)}};
  if (euclidean && pixels) {
    const bool better = *euclidean > *pixels;  // no gain is no praise here
    view["against"] = points_between(*euclidean, *pixels);
    view["against"]["sense"] = better ? "better" : "worse";
    view["against"]["better"] = better;
  }
  return view;
}

/// The headline of a run that nothing judges but labels that were held out.
Json estimated_result(const Json& s) {
  const auto estimated = number_of(s, "estimated_accuracy"), alone = number_of(s, "supervised_estimated_accuracy");
  if (!estimated) return {};
  const auto interval = interval_of(s, "estimated_low", "estimated_high");
  std::vector<Whisker> rows = {{method_title(s), 0, *estimated, interval}};
  if (alone)
    rows.push_back(
        {"Labels alone", 1, *alone, interval_of(s, "supervised_estimated_low", "supervised_estimated_high")});
  const std::string between =
      interval ? fmt::format("between {:.0f} and {:.0f}", 100 * interval->low, 100 * interval->high) : "";
  return {{"hero", hero(percent_number(*estimated, 0), "accuracy, estimated", between, rows)}};
}

/// The headline of a run that writes down what it hears: the fewer mistakes, the better.
Json heard_result(const Json& s, double words) {
  std::vector<Whisker> rows = {{method_title(s), 0, words, std::nullopt}};
  const auto alone = number_of(s, "supervised_word_error_rate"), letters = number_of(s, "character_error_rate");
  if (alone) rows.push_back({"Transcripts alone", 1, *alone, std::nullopt});
  Json view = {{"hero", hero(percent_number(words, 1), "word error rate",
                             letters ? percent_text(*letters) + " of the characters" : "", rows)}};
  if (alone) {
    const double points = 100 * (*alone - words);
    view["against"] = {{"points", fmt::format("{:.1f}", std::abs(points))},
                       {"sense", points >= 0 ? "better" : "worse"},
                       {"more", points < 0}};
  }
  return view;
}

}  // namespace

Json result_view(const ReportInput& input) {
  const Json& s = input.summary;
  Json view = {{"tiles", tiles(s)}};
  if (const auto accuracy = number_of(s, "accuracy")) {
    view["judged"] = judged_result(s, *accuracy);
  } else if (const auto words = number_of(s, "word_error_rate")) {
    view["heard"] = heard_result(s, *words);
  } else {
    view["frozen"] = frozen_result(s);
    view["estimated"] = estimated_result(s);
  }
  for (const Json& part : view)
    if (!part.is_null()) return view;
  return {};
}

}  // namespace fewlabel
