#include "cli/show_results.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/help.h"
#include "core/text.h"
#include "report/run_tables.h"

namespace fewlabel {
namespace {

std::string scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_integer()) return with_commas(value.get<int64_t>());
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  if (!value.is_array()) return value.is_null() ? "unknown" : value.dump();
  std::vector<std::string> parts;
  for (const auto& item : value) parts.push_back(scalar(item));
  return join(parts, ", ");
}

std::string words(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

void write_table(const Json& table, std::string& text) {
  std::size_t column = 0;
  for (const auto& [key, value] : table.items())
    if (!value.is_object()) column = std::max(column, columns(key) + 4);
  for (const auto& [key, value] : table.items())
    if (!value.is_object()) text += entry(words(key), scalar(value), column);
}

}  // namespace

std::string made_text(const Json& made) {
  std::string text;
  Json known = Json::object();
  for (const auto& [key, value] : made.items())
    if (!value.is_null()) known[key] = value;
  write_table(known, text);
  return text;
}

namespace {

/// Samples beside real examples.
std::string quality_text(const Json& found) {
  const std::string judge = found.at("judge").get<std::string>();
  std::string text = fmt::format("{} samples of {}, judged on features of {}\n\n", scalar(found.at("count")),
                                 found.at("run").get<std::string>(), judge);
  text += fmt::format("  {:<20}{:>12}{:>16}\n", "", "samples", "real examples");
  for (const auto& [key, name] :
       {std::pair{"frechet_distance", "Fréchet distance"}, {"precision", "precision"}, {"recall", "recall"}}) {
    const std::size_t pad = 20 - columns(name);
    text += fmt::format("  {}{}{:>12.4g}{:>16.4g}\n", name, std::string(pad, ' '), found["samples"].value(key, 0.0),
                        found["real"].value(key, 0.0));
  }
  text += "\n" + wrap("Against held-out real examples of " + found.value("data", "") +
                          "; the right column is as many "
                          "training examples. The figures depend on the judge and on the count.",
                      2);
  text += fmt::format("\n  {:<20}{:>12}{:>16}\n", "class", "samples", "real examples");
  for (std::size_t c = 0; c < found.at("sample_classes").size(); ++c) {
    const std::string name = found["sample_classes"][c].value("class", "");
    text += fmt::format("  {}{}{:>12}{:>16}\n", name, std::string(20 - std::min<std::size_t>(20, columns(name)), ' '),
                        scalar(found["sample_classes"][c]["count"]), scalar(found["real_classes"][c]["count"]));
  }
  if (found.contains("label_agreement"))
    text += fmt::format("\n  {:.1f} % of the samples are taken for the class they were asked to be\n",
                        100 * found["label_agreement"].get<double>());
  return text;
}

/// Shares as per cent, with a name that a person would say.
std::string probe_text(const Json& found) {
  std::string text;
  Json rest = Json::object();
  for (const auto& [key, value] : found.items()) {
    if (!value.is_primitive()) continue;
    if (key.ends_with("_accuracy") || key.ends_with("_low") || key.ends_with("_high"))
      rest[key] = fmt::format("{:.2f} %", 100 * value.get<double>());
    else
      rest[key] = value;
  }
  write_table(rest, text);
  return text;
}

bool is_probe(const Json& found) {
  for (const char* key :
       {"knn_accuracy", "linear_accuracy", "cluster_accuracy", "reconstruction_error", "finetune_accuracy"})
    if (found.contains(key)) return true;
  return false;
}

}  // namespace

std::string evaluation_text(const Json& evaluation) {
  if (evaluation.contains("judge")) return quality_text(evaluation);
  if (is_probe(evaluation)) return probe_text(evaluation);
  std::string text;
  Json rest = Json::object();
  for (const auto& [key, value] : evaluation.items())
    if (value.is_primitive() && key != "accuracy" && key != "accuracy_low" && key != "accuracy_high") rest[key] = value;
  if (evaluation.contains("accuracy") && evaluation["accuracy"].is_number()) {
    text = fmt::format("accuracy {:.2f} %", 100 * evaluation["accuracy"].get<double>());
    if (evaluation.contains("accuracy_low") && evaluation.contains("accuracy_high"))
      text += fmt::format(", 95 % interval {:.2f} to {:.2f} %", 100 * evaluation["accuracy_low"].get<double>(),
                          100 * evaluation["accuracy_high"].get<double>());
    text += "\n";
  }
  write_table(rest, text);
  for (const auto& note : evaluation.value("notes", Json::array())) text += "\n" + wrap(scalar(note), 0);
  return text;
}

std::string sweep_text(const Json& result) {
  const Json& comparison = result.at("comparison");
  if (comparison.at("names").empty()) return "";
  return compare_text(comparison, isatty(STDOUT_FILENO) ? kTextColumns : 0);
}

std::string bench_text(const Json& result) {
  std::string text;
  Json plain = Json::object();
  for (const auto& [key, value] : result.items())
    if (value.is_primitive()) plain[key] = value;
  write_table(plain, text);
  for (const auto& [key, value] : result.items()) {
    if (key == "peers") {
      text += "\nin turns with the other program\n";
      for (const Json& peer : value)
        text += fmt::format("  {:<14} {:>9.4f} s a step: {:.2f} times ours ({:.2f} to {:.2f}), {} MiB\n",
                            peer["mode"].get<std::string>(), peer["seconds_per_step"].get<double>(),
                            peer["ratio"].get<double>(), peer["smallest_ratio"].get<double>(),
                            peer["largest_ratio"].get<double>(), scalar(peer["peak_mib"]));
    } else if (value.is_array()) {
      for (const Json& row : value) {
        text += "\n";
        write_table(row, text);
      }
    } else if (value.is_object() && key != "machine" && !value.empty()) {
      text += "\n" + words(key) + "\n";
      write_table(value, text);
    }
  }
  return text;
}

std::string doctor_text(const Json& findings) {
  std::string text;
  Json plain = Json::object();
  for (const auto& [key, value] : findings.items())
    if (!value.is_object() && key != "warnings") plain[key] = value;
  write_table(plain, text);
  for (const auto& [key, value] : findings.items()) {
    if (!value.is_object()) continue;
    text += (text.empty() ? "" : "\n") + words(key) + "\n";
    write_table(value, text);
  }
  if (findings.contains("warnings") && !findings["warnings"].empty()) {
    text += "\nWarnings:\n";
    for (const auto& warning : findings["warnings"]) text += wrap("- " + scalar(warning), 2);
  }
  return text;
}

}  // namespace fewlabel
