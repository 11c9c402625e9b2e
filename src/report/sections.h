// The sections of the report. Each is a template, templates/NAME.html, and a function that gives the template what it
// shows: texts and figures of the run, nothing of HTML but the charts' SVG. Null when the run lacks what it would show.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/metric_log.h"
#include "report/statistics.h"

namespace fewlabel {

/// All that the page is made of.
struct ReportInput {
  std::string name;
  RunStatus status;
  Json summary, evaluation, probes;
  std::vector<std::pair<int64_t, std::string>> samples = {};  // step, PNG in base64
  std::vector<MetricLine> metrics;
  std::string plan, command;
};

Json masthead_view(const ReportInput& input);  // title and one sentence
Json warnings_view(const ReportInput& input);
Json result_view(const ReportInput& input);      // accuracy beside the baseline, figures
Json stages_view(const ReportInput& input);      // of a chain
Json labels_view(const ReportInput& input);      // the examples it learnt from
Json unlabelled_view(const ReportInput& input);  // what it made of examples without a label
Json features_view(const ReportInput& input);    // map of the features, later probes
Json pictures_view(const ReportInput& input);    // reconstructions, samples, their quality
Json training_view(const ReportInput& input);    // curves
Json classes_view(const ReportInput& input);     // confusion matrix, figures of each class
Json mistakes_view(const ReportInput& input);
Json trust_view(const ReportInput& input);   // reliability diagrams
Json making_view(const ReportInput& input);  // command, seed, machine, data, notes

// What several sections say alike.

/// "FreeMatch": as the summary says, else its method's name.
std::string method_title(const Json& summary);
/// "1 step", "2,400 steps".
std::string plural(double count, const std::string& one, const std::string& many);
/// The interval under two keys, where both are there.
std::optional<Interval> interval_of(const Json& json, const char* low, const char* high);
/// Names in label order; numbers where one is no text.
std::vector<std::string> names_of(const Json& list);
/// An item's "probability" as a share: "91 %", with a digit more near certainty; empty without one.
std::string sure_share(const Json& item);
/// Items as templates/card.html shows them, at most 60: what each is called under `label`, what the model said, and how
/// sure it was. {"cards": […], "wide": whether some need more width than a picture}; null without items.
Json cards_view(const Json& items, const char* label);

}  // namespace fewlabel
