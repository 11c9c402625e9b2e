// The part of the report that lets somebody else make the same thing again.
#include <fmt/format.h>

#include "core/text.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

std::string fact(const std::string& name, const std::string& html) {
  return html.empty() ? "" : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, html);
}

std::string with_gap(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + " · " + second;
}

std::string machine(const Json& summary) {
  const Json& about = object_of(summary, "machine");
  const auto cores = number_of(about, "cores");
  const std::string isa = text_of(about, "isa");
  std::string html = escape_html(text_of(about, "cpu"));
  if (cores) html = with_gap(html, fmt::format("{:.0f} {}", *cores, *cores == 1 ? "core" : "cores"));
  html = with_gap(html, escape_html(isa));
  return with_gap(html, escape_html(text_of(about, "gpu")));
}

std::string damage(const Json& summary) {
  const Json& damaged = object_of(summary, "damaged");
  const auto count = number_of(damaged, "count");
  if (!count) return {};
  if (*count == 0) return "none";
  std::string html = count_text(*count) + " left out";
  std::string names;
  std::size_t listed = 0;
  for (const auto& name : list_of(damaged, "names"))
    if (name.is_string() && listed++ < 50) names += "<li>" + escape_html(name.get<std::string>()) + "</li>";
  if (!names.empty()) html += "<ul class=\"files\">" + names + "</ul>";
  if (static_cast<double>(listed) < *count)
    html += "<small>and " + count_text(*count - static_cast<double>(listed)) + " more</small>";
  return html;
}

}  // namespace

std::string making_section(const ReportInput& input) {
  const Json& s = input.summary;
  const std::string command = text_of(s, "command").empty() ? input.command : text_of(s, "command");
  std::string html;
  if (!trim(command).empty()) html += "<pre class=\"command\"><code>" + escape_html(trim(command)) + "</code></pre>";
  const Json& hash = object_of(s, "data_hash");
  const auto code = [](const std::string& text) {
    return text.empty() ? "" : "<code>" + escape_html(text) + "</code>";
  };
  std::string facts = fact("Data", escape_html(text_of(s, "data")));
  const std::string method = text_of(s, "method"), net = text_of(s, "net");
  facts += fact("Method and net", with_gap(method.empty() ? "" : escape_html(method_title(s)), escape_html(net)));
  facts += fact("Started from", escape_html(text_of(s, "init")));
  if (const auto seed = number_of(s, "seed")) facts += fact("Seed", fmt::format("{:.0f}", *seed));
  facts += fact("fewlabel", escape_html(text_of(s, "version")));
  facts += fact("Machine", machine(s));
  facts += fact("Started", escape_html(input.status.started));
  facts += fact("Training data, XXH3", code(text_of(hash, "train")));
  facts += fact("Test data, XXH3", code(text_of(hash, "test")));
  facts += fact("Damaged files", damage(s));
  if (!facts.empty()) html += "<dl class=\"facts\">" + facts + "</dl>";
  std::string notes;
  for (const auto& note : list_of(s, "notes"))
    if (note.is_string()) notes += "<li>" + prose_html(note.get<std::string>()) + "</li>";
  if (!notes.empty()) html += "<h3>To bear in mind</h3><ul class=\"notes\">" + notes + "</ul>";
  if (!trim(input.plan).empty())
    html += "<details><summary>The whole plan</summary><pre><code>" + escape_html(trim(input.plan)) +
            "</code></pre></details>";
  return section("making", "How this was made", {}, html);
}

}  // namespace fewlabel
