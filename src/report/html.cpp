#include "report/html.h"

#include <algorithm>

#include "core/base64.h"
#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/version.h"
#include "report/markup.h"
#include "report/page.h"
#include "report/sections.h"

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
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      // Names of files are in here: whatever slips past the escaping still loads and sends nothing.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<meta name=\"generator\" content=\"fewlabel " FEWLABEL_VERSION "\"><title>" +
      escape_html(input.name) + " – fewlabel report</title><style>" + std::string(page::kStyle) +
      "</style></head><body><main>\n";
  page += masthead(input);
  for (const auto& part :
       {warnings_section(input), result_section(input), stages_section(input), labels_section(input),
        unlabelled_section(input), features_section(input), pictures_section(input), curves_section(input),
        classes_section(input), mistakes_section(input), trust_section(input), making_section(input)})
    page += part;
  page += "<footer>Made by fewlabel " FEWLABEL_VERSION
          " from the files of this run. This page loads nothing from elsewhere.</footer></main><div id=\"tip\" "
          "role=\"status\" hidden></div><script>" +
          std::string(page::kScript) + "</script></body></html>\n";
  return page;
}

void write_report(const RunFolder& run, std::optional<RunState> state) {
  write_file(run.report(), report_html(run, state), Durability::durable);
}

}  // namespace fewlabel
