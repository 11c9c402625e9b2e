// The head of the report: what was learnt from what, and how right it is.
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

// What the data set is called; of runs of earlier versions "photos" for /home/me/photos@40.
std::string data_title(const ReportInput& input) {
  if (const std::string title = text_of(input.summary, "title"); !title.empty()) return title;
  std::string data = text_of(input.summary, "data");
  data = data.substr(0, data.find('@'));
  while (data.size() > 1 && data.back() == '/') data.pop_back();
  data = data.substr(data.find_last_of('/') + 1);
  return data.empty() ? input.name : data;
}

}  // namespace

Json masthead_view(const ReportInput& input) {
  const Json& s = input.summary;
  const auto labels = number_of(s, "labels"), unlabeled = number_of(s, "unlabeled"), classes = number_of(s, "classes");
  const auto accuracy = number_of(s, "accuracy"), linear = number_of(s, "linear_accuracy");
  const auto tests = number_of(s, "test_examples");
  const bool unlabelled = text_of(s, "family").starts_with("self/");
  const std::string judged_by = tests ? plural(*tests, "test example", "test examples") : "the test examples";
  Json view = {{"name", input.name}, {"title", data_title(input)}, {"method", method_title(s)}};
  if (unlabelled) {
    view["beside"] = "without labels";
    view["without"] = plural(unlabeled.value_or(0), "example", "examples");
  } else if (labels) {
    view["beside"] = "with " + plural(*labels, "label", "labels");
    view["from"] = plural(*labels, "labelled example", "labelled examples");
    view["what"] = classes ? plural(*classes, "class", "classes") : "to classify";
    if (unlabeled && *unlabeled > 0) view["more"] = count_text(*unlabeled);
  }
  if (const auto words = number_of(s, "word_error_rate"); words && labels) {
    view["beside"] = "with " + plural(*labels, "transcript", "transcripts");
    view["from"] = plural(*labels, "transcribed recording", "transcribed recordings");
    view["what"] = "to write down what it hears";
    view["wrong"] = {{"share", percent_text(*words)},
                     {"of", tests ? plural(*tests, "test recording", "test recordings") : "the test recordings"}};
  }
  if (accuracy)
    view["right"] = {{"share", percent_text(*accuracy)}, {"of", tests ? judged_by + " it never saw" : judged_by}};
  if (linear && unlabelled) view["linear"] = {{"share", percent_text(*linear)}, {"of", judged_by}};
  if (input.status.state != RunState::finished) {
    view["unfinished"] = {{"state", std::string(to_string(input.status.state))}, {"message", input.status.message}};
    if (input.status.steps > 0) {
      view["unfinished"]["step"] = count_text(static_cast<double>(input.status.step));
      view["unfinished"]["steps"] = count_text(static_cast<double>(input.status.steps));
    }
  }
  return view;
}

}  // namespace fewlabel
