#include "report/summary_text.h"

#include <fmt/format.h>

#include "core/text.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kName = 16;

// "  name            text", the text wrapped at words below itself.
std::string row(const std::string& name, const std::string& text) {
  std::string result = fmt::format("  {:<{}}", name, kName - 2);
  std::size_t column = kName;
  bool first = true;
  for (const auto& word : split_text(text, ' ')) {
    if (word.empty()) continue;
    if (!first && column + 1 + word.size() > kColumns) {
      result += "\n" + std::string(kName, ' ');
      column = kName;
      first = true;
    }
    if (!first) result += ' ', ++column;
    result += word;
    column += word.size();
    first = false;
  }
  return result + "\n";
}

std::string accuracy_text(const Json& summary, const char* value, const char* low, const char* high) {
  std::string text = fmt::format("{:.1f} %", 100 * *number_of(summary, value));
  const auto a = number_of(summary, low), b = number_of(summary, high);
  if (a && b) text += fmt::format("  (95 % interval {:.1f} to {:.1f})", 100 * *a, 100 * *b);
  return text;
}

}  // namespace

std::string summary_text(const Json& summary, const std::string& report) {
  std::string lines;
  const auto accuracy = number_of(summary, "accuracy"), baseline = number_of(summary, "supervised_accuracy");
  if (accuracy) lines += row("accuracy", accuracy_text(summary, "accuracy", "accuracy_low", "accuracy_high"));
  if (baseline) {
    lines += row("labels alone", accuracy_text(summary, "supervised_accuracy", "supervised_low", "supervised_high"));
    if (accuracy) lines += row("gain", fmt::format("{:+.1f} points", 100 * (*accuracy - *baseline)));
  }
  if (const auto words = number_of(summary, "word_error_rate"), letters = number_of(summary, "character_error_rate");
      words && letters) {
    lines += row("word errors",
                 fmt::format("{:.1f} % of the words; {:.1f} % of the characters", 100 * *words, 100 * *letters));
    if (const auto alone = number_of(summary, "supervised_word_error_rate")) {
      lines += row("labels alone", fmt::format("{:.1f} % of the words", 100 * *alone));
      lines += row("gain", fmt::format("{:.1f} points fewer", 100 * (*alone - *words)));
    }
  }
  if (const auto estimated = number_of(summary, "estimated_accuracy")) {
    const auto interval = [&](const char* value, const char* low, const char* high) {
      return fmt::format("about {:.0f} %  (between {:.0f} and {:.0f})", 100 * *number_of(summary, value),
                         100 * number_of(summary, low).value_or(0), 100 * number_of(summary, high).value_or(1));
    };
    lines += row("estimate", interval("estimated_accuracy", "estimated_low", "estimated_high"));
    if (number_of(summary, "supervised_estimated_accuracy"))
      lines += row("labels alone",
                   interval("supervised_estimated_accuracy", "supervised_estimated_low", "supervised_estimated_high"));
  }
  if (const auto validation = number_of(summary, "validation_accuracy"))
    lines += row("validation", accuracy_text(summary, "validation_accuracy", "validation_low", "validation_high"));
  for (const auto& warning : list_of(summary, "warnings"))
    if (const std::string sentence = text_of(warning, "sentence"); !sentence.empty()) lines += row("WARNING", sentence);
  if (const auto linear = number_of(summary, "linear_accuracy"))
    lines += row("linear probe", fmt::format("{:.1f} % on frozen features", 100 * *linear));
  if (const auto neighbours = number_of(summary, "knn_accuracy")) {
    const auto pixels = number_of(summary, "pixels_knn_accuracy");
    const auto euclidean = number_of(summary, "knn_euclidean_accuracy");
    lines += row("neighbours", fmt::format("{:.1f} % by angle", 100 * *neighbours) +
                                   (euclidean ? fmt::format(", {:.1f} % by distance", 100 * *euclidean) : "") +
                                   (pixels ? fmt::format(" (raw pixels {:.1f} %)", 100 * *pixels) : ""));
  }
  if (const auto error = number_of(summary, "reconstruction_error"))
    lines += row("rebuilding", fmt::format("squared error {:.4f} a pixel in [0, 1]", *error));
  if (const auto spread = number_of(summary, "embedding_spread"), rank = number_of(summary, "embedding_rank");
      spread && rank)
    lines += row("features", fmt::format("spread {:.2f} (1 is even, 0 is collapsed), rank {:.1f}", *spread, *rank));
  if (const auto ece = number_of(summary, "ece")) {
    const auto calibrated = number_of(summary, "ece_calibrated"), temperature = number_of(summary, "temperature");
    std::string text = fmt::format("error {:.1f} %", 100 * *ece);
    if (calibrated && temperature)
      text += fmt::format(", {:.1f} % at temperature {:.2f}", 100 * *calibrated, *temperature);
    lines += row("calibration", text);
  }
  std::size_t number = 0;
  for (const auto& stage : list_of(summary, "stages")) {
    const auto reached = number_of(stage, "accuracy"), linear = number_of(stage, "linear_accuracy");
    lines += row(fmt::format("stage {}", ++number),
                 text_of(stage, "method") + (reached  ? fmt::format(", accuracy {:.1f} %", 100 * *reached)
                                             : linear ? fmt::format(", linear probe {:.1f} %", 100 * *linear)
                                                      : ""));
  }
  if (const auto seconds = number_of(summary, "train_seconds")) {
    std::string text = duration(*seconds);
    // One: all at once.
    if (const auto steps = number_of(summary, "steps"); steps && *steps > 1)
      text += fmt::format(", {} steps", count_text(*steps));
    if (const auto speed = examples_per_second(summary)) text += fmt::format(", {} examples/s", count_text(*speed));
    lines += row("training", text);
  }
  if (const auto damaged = number_of(object_of(summary, "damaged"), "count"); damaged && *damaged > 0)
    lines += row("damaged files", count_text(*damaged) + " left out; the report names them");
  for (const auto& note : list_of(summary, "notes"))
    if (note.is_string()) lines += row("note", note.get<std::string>());
  if (!report.empty()) lines += fmt::format("  {:<{}}{}\n", "report", kName - 2, report);  // a path is never broken
  return lines;
}

}  // namespace fewlabel
