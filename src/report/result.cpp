// The head of the report: what was learnt from what, and how right it is.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "report/charts.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

// "Fashion-MNIST" for fashion_mnist@100:seed=0, "photos" for /home/me/photos@40.
std::string data_title(const ReportInput& input) {
  std::string data = text_of(input.summary, "data");
  data = data.substr(0, data.find('@'));
  while (data.size() > 1 && data.back() == '/') data.pop_back();
  data = data.substr(data.find_last_of('/') + 1);
  if (data == "fashion_mnist") return "Fashion-MNIST";
  if (data == "mnist") return "MNIST";
  if (data == "cifar10") return "CIFAR-10";
  return data.empty() ? input.name : data;
}

std::string plural(double count, const std::string& one, const std::string& many) {
  return count_text(count) + " " + (count == 1 ? one : many);
}

std::string tile(const std::string& name, const std::string& value, const std::string& more = {}) {
  return fmt::format("<div class=\"tile\"><dt>{}</dt><dd>{}{}</dd></div>", name, value,
                     more.empty() ? "" : "<small>" + more + "</small>");
}

std::optional<Interval> interval_of(const Json& summary, const char* low, const char* high) {
  const auto a = number_of(summary, low), b = number_of(summary, high);
  return a && b ? std::optional(Interval{*a, *b}) : std::nullopt;
}

std::string comparison(const Json& summary, double accuracy, double baseline) {
  const double points = 100 * (accuracy - baseline);
  const auto mine = interval_of(summary, "accuracy_low", "accuracy_high");
  const auto other = interval_of(summary, "supervised_low", "supervised_high");
  std::string text = fmt::format("<b class=\"{}\">{:+.1f} points</b> against the same net taught by the labels alone",
                                 points >= 0 ? "better" : "worse", points);
  if (const auto seconds = number_of(summary, "supervised_seconds"))
    text += ", which trained for " + duration(*seconds);
  text += ".";
  if (mine && other)
    text += mine->low > other->high || other->low > mine->high
                ? " The two intervals do not overlap."
                : " The two intervals overlap: the difference may be chance.";
  return text;
}

std::string tiles(const Json& summary) {
  std::string html;
  const auto ece = number_of(summary, "ece"), better = number_of(summary, "ece_calibrated");
  if (ece)
    html += tile("Calibration error", percent_text(*ece),
                 better ? percent_text(*better) + " after temperature scaling" : "");
  if (const auto taught = number_of(summary, "label_accuracy"); taught && !number_of(summary, "accuracy"))
    html += tile("Right on its own labels", percent_text(*taught), "which it learnt: no test");
  if (const auto error = number_of(summary, "reconstruction_error"))
    html += tile("Reconstruction", fmt::format("{:.4f}", *error), "squared, a pixel in [0, 1]");
  if (const auto spread = number_of(summary, "embedding_spread"))
    html += tile("Feature spread", fmt::format("{:.2f}", *spread), "1 is even, 0 is collapsed");
  if (const auto rank = number_of(summary, "embedding_rank"))
    html += tile("Feature rank", fmt::format("{:.1f}", *rank), "directions in use");
  if (const auto seconds = number_of(summary, "train_seconds")) {
    const auto steps = number_of(summary, "steps");
    html += tile("Training", duration(*seconds), steps ? plural(*steps, "step", "steps") : "");
  }
  if (const auto speed = number_of(summary, "images_per_second")) html += tile("Images a second", count_text(*speed));
  if (const auto parameters = number_of(summary, "parameters"))
    html += tile("Net", escape_html(text_of(summary, "net")), short_number(*parameters) + " parameters");
  if (const auto memory = number_of(summary, "peak_memory_mb")) html += tile("Peak memory", bytes_text(*memory * 1e6));
  if (const auto seed = number_of(summary, "seed")) html += tile("Seed", fmt::format("{:.0f}", *seed));
  return html.empty() ? "" : "<dl class=\"tiles\">" + html + "</dl>";
}

/// A share as a large number, what it is, what is to be said below that, and the same beside others.
std::string hero(double share, int digits, const std::string& what, const std::string& more,
                 const std::vector<Whisker>& rows) {
  return fmt::format(
      "<div class=\"hero\"><div><p class=\"big-number\">{:.{}f}<small>%</small></p>"
      "<p class=\"big-label\">{}{}</p></div><figure>{}</figure></div>",
      100 * share, digits, what, more.empty() ? "" : "<br><span>" + more + "</span>", whisker_chart(rows));
}

/// The headline of a run without labels: what simple classifiers make of its features, beside the raw pixels.
std::string frozen_result(const Json& s) {
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
  std::string html =
      hero(linear.value_or(neighbours.value_or(0)), 1, linear ? "linear classifier" : "nearest neighbours",
           "on frozen features" + (labels ? ", " + count_text(*labels) + " labels" : ""), rows);
  if (euclidean && pixels) {
    const double points = 100 * (*euclidean - *pixels);
    html += fmt::format(
        "<p class=\"intro\"><b class=\"{}\">{:+.1f} points</b> by nearest neighbours against the raw pixels{}</p>",
        points > 0 ? "better" : "worse", points, points > 0 ? "." : ": so far the pixels themselves tell more.");
  }
  return html;
}

/// The headline of a run that nothing judges but labels that were held out.
std::string estimated_result(const Json& s) {
  const auto estimated = number_of(s, "estimated_accuracy"), alone = number_of(s, "supervised_estimated_accuracy");
  if (!estimated) return {};
  const auto interval = interval_of(s, "estimated_low", "estimated_high");
  std::vector<Whisker> rows = {{method_title(s), 0, *estimated, interval}};
  if (alone)
    rows.push_back(
        {"Labels alone", 1, *alone, interval_of(s, "supervised_estimated_low", "supervised_estimated_high")});
  const std::string between =
      interval ? fmt::format("between {:.0f} and {:.0f}", 100 * interval->low, 100 * interval->high) : "";
  return hero(*estimated, 0, "accuracy, estimated", between, rows) +
         "<p class=\"intro\">There is no test set: shorter trainings, each without a part of the labels, were judged "
         "by those. The run itself saw all labels and trained longer.</p>";
}

}  // namespace

std::string masthead(const ReportInput& input) {
  const Json& s = input.summary;
  const auto labels = number_of(s, "labels"), unlabeled = number_of(s, "unlabeled"), classes = number_of(s, "classes");
  const bool unlabelled = text_of(s, "family").starts_with("self/");
  std::string lede = "<b>" + escape_html(method_title(s)) + "</b>";
  if (unlabelled) {
    lede += " learnt from " + plural(unlabeled.value_or(0), "example", "examples") + " without a label.";
  } else if (labels) {
    lede += " learnt " + (classes ? plural(*classes, "class", "classes") : std::string("to classify")) + " from " +
            plural(*labels, "labelled example", "labelled examples");
    if (unlabeled && *unlabeled > 0) lede += " and " + count_text(*unlabeled) + " without a label";
    lede += ".";
  } else {
    lede += ".";
  }
  const auto accuracy = number_of(s, "accuracy"), tests = number_of(s, "test_examples");
  if (accuracy)
    lede += fmt::format(
        " It is right on <b>{}</b> of {}.", percent_text(*accuracy),
        tests ? plural(*tests, "test example", "test examples") + " it never saw" : std::string("the test examples"));
  if (const auto linear = number_of(s, "linear_accuracy"); linear && unlabelled)
    lede +=
        fmt::format(" A linear classifier on its frozen features is right on <b>{}</b> of {}.", percent_text(*linear),
                    tests ? plural(*tests, "test example", "test examples") : std::string("the test examples"));
  std::string html =
      fmt::format("<header><p class=\"over\">fewlabel report <span>{}</span></p><h1>{}{}</h1><p class=\"lede\">{}</p>",
                  escape_html(input.name), escape_html(data_title(input)),
                  unlabelled ? " <span>without labels</span>"
                  : labels   ? " <span>with " + plural(*labels, "label", "labels") + "</span>"
                             : "",
                  lede);
  if (input.status.state != RunState::finished)
    html += fmt::format(
        "<p class=\"warning\" role=\"note\">This run is <b>{}</b>{}. What follows is the state so far.{}</p>",
        to_string(input.status.state),
        input.status.steps > 0 ? " at step " + count_text(static_cast<double>(input.status.step)) + " of " +
                                     count_text(static_cast<double>(input.status.steps))
                               : "",
        input.status.message.empty() ? "" : " " + escape_html(input.status.message));
  return html + "</header>\n";
}

std::string result_section(const ReportInput& input) {
  const Json& s = input.summary;
  const auto accuracy = number_of(s, "accuracy"), baseline = number_of(s, "supervised_accuracy");
  std::string html;
  if (accuracy) {
    const auto interval = interval_of(s, "accuracy_low", "accuracy_high");
    std::vector<Whisker> rows = {{method_title(s), 0, *accuracy, interval}};
    if (baseline) rows.push_back({"Labels alone", 1, *baseline, interval_of(s, "supervised_low", "supervised_high")});
    const std::string between =
        interval ? fmt::format("95\u202f% interval {:.1f}–{:.1f}", 100 * interval->low, 100 * interval->high) : "";
    html += hero(*accuracy, 1, "accuracy", between, rows);
    if (baseline) html += "<p class=\"intro\">" + comparison(s, *accuracy, *baseline) + "</p>";
  } else {
    html += frozen_result(s) + estimated_result(s);
  }
  return section("result", "Result", {}, html + tiles(s));
}

}  // namespace fewlabel
