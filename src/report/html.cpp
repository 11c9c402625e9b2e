#include "report/html.h"

#include <algorithm>

#include "core/base64.h"
#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/version.h"
#include "report/sections.h"
#include "report/template.h"

namespace fewlabel {
namespace {

std::string text_or_empty(const std::filesystem::path& path) {
  constexpr std::uintmax_t kMost = 1u << 20;
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > kMost) return {};
  try {
    return read_file(path);
  } catch (const Error&) {
    return {};
  }
}

/// samples/step-00001200.png …, in order.
std::vector<std::pair<int64_t, std::string>> sheets(const RunFolder& run) {
  constexpr std::size_t kMost = 24;
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(run.samples(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::string digits = name.size() == 17 ? name.substr(5, 8) : "";
    if (!name.starts_with("step-") || !name.ends_with(".png") || digits.empty() ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      continue;
    if (const std::string png = text_or_empty(entry->path()); !png.empty() && found.size() < kMost)
      found.emplace_back(std::stoll(digits), base64(png));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string report_html(const RunFolder& run, std::optional<RunState> state) {
  RunStatus status = run.status();
  status.state = state.value_or(status.state);
  const ReportInput input{.name = run.name(),
                          .status = status,
                          .summary = run.read_json(run.summary()),
                          .evaluation = run.read_json(run.evaluation()),
                          .probes = run.read_json(run.probes()),
                          .samples = sheets(run),
                          .metrics = read_metrics(run),
                          .plan = text_or_empty(run.plan()),
                          .command = text_or_empty(run.command())};
  return render("page", {{"name", input.name},
                         {"version", FEWLABEL_VERSION},
                         {"style", std::string(template_file("report.css"))},
                         {"script", std::string(template_file("report.js"))},
                         {"masthead", masthead_view(input)},
                         {"warnings", warnings_view(input)},
                         {"result", result_view(input)},
                         {"stages", stages_view(input)},
                         {"labels", labels_view(input)},
                         {"unlabelled", unlabelled_view(input)},
                         {"features", features_view(input)},
                         {"pictures", pictures_view(input)},
                         {"training", training_view(input)},
                         {"classes", classes_view(input)},
                         {"mistakes", mistakes_view(input)},
                         {"trust", trust_view(input)},
                         {"making", making_view(input)}});
}

void write_report(const RunFolder& run, std::optional<RunState> state) {
  write_file(run.report(), report_html(run, state), Durability::durable);
}

}  // namespace fewlabel
