// The parts of the report page. Each gives HTML, or nothing when the run lacks what it shows.
#pragma once
#include <string>
#include <vector>

#include "report/metric_log.h"

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

std::string masthead(const ReportInput& input);  // title and one sentence
std::string warnings_section(const ReportInput& input);
std::string result_section(const ReportInput& input);      // accuracy beside the baseline, figures
std::string labels_section(const ReportInput& input);      // the examples it learnt from
std::string unlabelled_section(const ReportInput& input);  // what it made of examples without a label
std::string curves_section(const ReportInput& input);
std::string classes_section(const ReportInput& input);  // confusion matrix, figures of each class
std::string trust_section(const ReportInput& input);    // reliability diagrams
std::string mistakes_section(const ReportInput& input);
std::string features_section(const ReportInput& input);  // map of the features, later probes
std::string pictures_section(const ReportInput& input);  // reconstructions, samples, their quality
std::string stages_section(const ReportInput& input);    // of a chain
std::string making_section(const ReportInput& input);    // command, seed, machine, data, notes

/// <section> with a heading, an introduction and content; nothing when there is no content.
std::string section(const std::string& id, const std::string& title, const std::string& intro,
                    const std::string& content);

/// An <img>, or nothing when `png_base64` is no PNG in base64. Small ones are enlarged pixel by pixel.
std::string picture(const Json& json, const std::string& description);

/// "FreeMatch": as the summary says, else its method's name.
std::string method_title(const Json& summary);

}  // namespace fewlabel
