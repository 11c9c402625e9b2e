// The part of the report that lets somebody else make the same thing again.
#include <fmt/format.h>

#include "core/text.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

std::string with_gap(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + " · " + second;
}

std::string machine(const Json& summary) {
  const Json& about = object_of(summary, "machine");
  const auto cores = number_of(about, "cores");
  std::string text = text_of(about, "cpu");
  if (cores) text = with_gap(text, fmt::format("{:.0f} {}", *cores, *cores == 1 ? "core" : "cores"));
  text = with_gap(text, text_of(about, "isa"));
  return with_gap(text, text_of(about, "gpu"));
}

Json damage(const Json& summary) {
  constexpr std::size_t kMost = 50;
  const Json& damaged = object_of(summary, "damaged");
  const auto count = number_of(damaged, "count");
  if (!count) return {};
  Json fact = {{"name", "Damaged files"}, {"text", "none"}};
  if (*count == 0) return fact;
  fact["text"] = count_text(*count) + " left out";
  Json names = Json::array();
  for (const auto& name : list_of(damaged, "names"))
    if (name.is_string() && names.size() < kMost) names.push_back(name);
  const auto listed = static_cast<double>(names.size());
  if (listed < *count) fact["more"] = count_text(*count - listed);
  if (!names.empty()) fact["files"] = {{"names", names}};
  return fact;
}

Json facts_of(const ReportInput& input) {
  const Json& s = input.summary;
  Json facts = Json::array();
  const auto add = [&](const char* name, const std::string& text, const char* how = "text") {
    if (!text.empty()) facts.push_back({{"name", name}, {how, text}});
  };
  const Json& hash = object_of(s, "data_hash");
  add("Data", text_of(s, "data"));
  add("Method and net", with_gap(text_of(s, "method").empty() ? "" : method_title(s), text_of(s, "net")));
  add("Started from", text_of(s, "init"));
  if (const auto seed = number_of(s, "seed")) add("Seed", fmt::format("{:.0f}", *seed));
  add("fewlabel", text_of(s, "version"));
  add("Machine", machine(s));
  add("Started", input.status.started);
  add("Training data, XXH3", text_of(hash, "train"), "code");
  add("Test data, XXH3", text_of(hash, "test"), "code");
  if (Json fact = damage(s); !fact.is_null()) facts.push_back(std::move(fact));
  return facts;
}

}  // namespace

Json making_view(const ReportInput& input) {
  const std::string told = text_of(input.summary, "command");
  const std::string command = trim(told.empty() ? input.command : told), plan = trim(input.plan);
  const Json facts = facts_of(input);
  Json notes = Json::array();
  for (const auto& note : list_of(input.summary, "notes"))
    if (note.is_string()) notes.push_back({{"parts", prose_parts(note.get<std::string>())}});
  if (command.empty() && plan.empty() && facts.empty() && notes.empty()) return {};
  Json view = {{"command", command}, {"plan", plan}};
  if (!facts.empty()) view["facts"] = {{"all", facts}};
  if (!notes.empty()) view["notes"] = {{"all", notes}};
  return view;
}

}  // namespace fewlabel
