#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "data/inspect.h"

namespace fewlabel {
namespace {

constexpr std::size_t kColumns = 80, kMostClasses = 40, kMostNames = 8;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }  // inside a UTF-8 character

/// At most `width` characters; the end of a path says more than its start.
std::string keep_end(const std::string& raw, std::size_t width) {
  std::string text = printable(raw);
  if (columns(text) <= width) return text;
  std::size_t drop = columns(text) - width + 1, at = 0;
  while (drop > 0 && at < text.size()) {
    ++at;
    while (at < text.size() && continues(text[at])) ++at;
    --drop;
  }
  return "…" + text.substr(at);
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, columns(text)), ' ');
}

/// Words over as many lines as it takes, each indented.
std::string wrapped(const std::string& raw, std::size_t indent) {
  std::string result, line;
  for (const auto& word : split_text(printable(raw), ' ')) {
    if (!line.empty() && columns(line) + 1 + columns(word) > kColumns - indent) {
      result += std::string(indent, ' ') + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + keep_end(word, kColumns - indent);
  }
  return result + std::string(indent, ' ') + line + "\n";
}

std::string number(const Json& value) { return with_commas(value.get<int64_t>()); }

/// Of "train", "test" and "validation" those that are there.
std::vector<std::string> parts_of(const Json& result) {
  std::vector<std::string> parts;
  for (const char* part : {"train", "test", "validation"})
    if (!result[part].is_null()) parts.emplace_back(part);
  return parts;
}

std::string table_row(const std::string& title, const Json& result, const std::string& key) {
  std::string row = "  " + padded(title, 30);
  for (const std::string& part : parts_of(result)) row += fmt::format("{:>14}", number(result[part][key]));
  return row + "\n";
}

std::string class_rows(const Json& result) {
  std::string rows;
  const Json& train = result["train"]["per_class"];
  for (std::size_t c = 0; c < std::min(train.size(), kMostClasses); ++c) {
    rows += "  " + padded(keep_end(train[c]["class"], 29), 30);
    for (const std::string& part : parts_of(result))
      rows += fmt::format("{:>14}", number(result[part]["per_class"][c]["labeled"]));
    rows += "\n";
  }
  if (train.size() > kMostClasses) rows += fmt::format("  … and {} more classes\n", train.size() - kMostClasses);
  return rows;
}

std::string counts(const Json& table) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : table.items()) parts.push_back(fmt::format("{} {}", number(value), key));
  return parts.empty() ? "none" : join(parts, ", ");
}

std::string images_of(const std::string& title, const Json& part) {
  const Json& sizes = part["sizes"];
  std::vector<std::string> lines;
  if (sizes["distinct"] == 0) return wrapped(title + ": no image can be read", 2);
  const Json& commonest = sizes["commonest"];
  std::string text = fmt::format("{}: {}; {}", title, counts(part["formats"]), counts(part["channels"]));
  if (sizes["distinct"] == 1) {
    text += fmt::format("; all {} × {} pixels", commonest[0]["width"].get<int>(), commonest[0]["height"].get<int>());
  } else {
    text +=
        fmt::format("; {} sizes, width {} to {} (median {}), height {} to {} (median {}); commonest {} × {} ({})",
                    number(sizes["distinct"]), sizes["width"]["least"].get<int>(), sizes["width"]["most"].get<int>(),
                    sizes["width"]["median"].get<int>(), sizes["height"]["least"].get<int>(),
                    sizes["height"]["most"].get<int>(), sizes["height"]["median"].get<int>(),
                    commonest[0]["width"].get<int>(), commonest[0]["height"].get<int>(), number(commonest[0]["count"]));
  }
  if (part["left_out"] != 0) text += fmt::format("; {} other files left out", number(part["left_out"]));
  return wrapped(text, 2);
}

std::string one_of(const Json& result) {
  const std::string kind = result["kind"];
  return kind == "table" ? "row" : kind == "audio" ? "recording" : kind;
}

/// Whole numbers with commas, seconds in hundredths.
std::string length(const Json& value) {
  return value.is_number_float() ? fmt::format("{:.2f}", value.get<double>()) : number(value);
}

/// "8000 (2,700), 16000 (3)"
std::string rates_of(const Json& rates) {
  std::vector<std::string> words;
  for (const auto& [rate, count] : rates.items()) words.push_back(fmt::format("{} ({})", rate, number(count)));
  return join(words, ", ");
}

/// Of texts, rows and recordings.
std::string lengths_of(const std::string& title, const Json& part, const std::string& unit) {
  const Json& lengths = part["lengths"];
  if (lengths.is_null()) return wrapped(title + ": nothing can be read", 2);
  std::string text = fmt::format("{}: {}", title, counts(part["formats"]));
  if (lengths["least"] == lengths["most"])
    text += fmt::format("; all of {} {}", length(lengths["most"]), unit);
  else
    text += fmt::format("; {} to {} {} (median {}, 95 of 100 have at most {})", length(lengths["least"]),
                        length(lengths["most"]), unit, length(lengths["median"]), length(lengths["most_of_95"]));
  if (part.contains("rates")) text += fmt::format("; samples a second: {}", rates_of(part["rates"]));
  if (part["left_out"] != 0) text += fmt::format("; {} others left out", number(part["left_out"]));
  return wrapped(text, 2);
}

std::string damage_of(const std::string& title, const Json& part) {
  const Json& damaged = part["damaged"];
  if (damaged.empty()) return fmt::format("  {}: none\n", title);
  std::string text = fmt::format("  {}: {}\n", title, with_commas(static_cast<int64_t>(damaged.size())));
  for (std::size_t i = 0; i < std::min(damaged.size(), kMostNames); ++i) {
    text += "    " + keep_end(damaged[i]["name"], kColumns - 4) + "\n";
    text += wrapped(damaged[i]["reason"], 6);
  }
  if (damaged.size() > kMostNames) text += fmt::format("    … and {} more\n", damaged.size() - kMostNames);
  return text;
}

std::string repeats_of(const std::string& title, const Json& part, const std::string& one) {
  const Json& repeated = part["repeated"];
  if (repeated["groups"] == 0) return fmt::format("  {}: none\n", title);
  std::string text = wrapped(
      fmt::format("{}: {} {}s repeat another ({} groups, {} with labels that contradict each other)", title,
                  number(repeated["extra"]), one, number(repeated["groups"]), number(repeated["conflicting_labels"])),
      2);
  const Json& names = repeated["names"];
  for (std::size_t g = 0; g < std::min<std::size_t>(names.size(), 3); ++g)
    text += "    " + keep_end(names[g][0], 36) + " = " + keep_end(names[g][1], 36) + "\n";
  if (names.size() > 3) text += "    …\n";
  return text;
}

}  // namespace

std::string inspect_text(const Json& result) {
  const std::vector<std::string> parts = parts_of(result);
  std::string text = keep_end(result["name"], kColumns) + "\n";
  text += "  " + keep_end(result["origin"], kColumns - 2) + "\n\n";
  for (const Json& note : result["notes"]) text += wrapped(note, 2);
  if (!result["notes"].empty()) text += "\n";
  text += fmt::format("  {:30}", "");
  for (const std::string& part : parts) text += fmt::format("{:>14}", part);
  text += "\n";
  text += table_row("examples", result, "examples");
  text += table_row("labelled", result, "labeled");
  text += table_row("unlabelled", result, "unlabeled");
  if (result.contains("split"))
    text += fmt::format("  {}{:>14}\n", padded("labels that the split keeps", 30), number(result["split"]["labeled"]));
  text += fmt::format("\nLabelled examples by class ({})\n", result["classes"].size()) + class_rows(result);
  const auto section = [&](const std::string& title, auto part) {
    text += "\n" + title + "\n";
    for (const std::string& name : parts) text += part(name, result[name]);
  };
  const std::string kind = result["kind"], one = one_of(result);
  section(kind == "image"   ? "Images"
          : kind == "text"  ? "Texts"
          : kind == "audio" ? "Recordings"
                            : "Rows",
          [&](const std::string& title, const Json& part) {
            return kind == "image" ? images_of(title, part)
                                   : lengths_of(title, part,
                                                kind == "text"    ? "tokens"
                                                : kind == "audio" ? "seconds"
                                                                  : "columns");
          });
  section("Damaged", damage_of);
  section("Repeated", [&](const std::string& title, const Json& part) {
    std::string found = repeats_of(title, part, one);
    if (part.contains("nearly_repeated") && part["nearly_repeated"]["groups"] != 0)
      found +=
          wrapped(fmt::format("{}: {} differ from another in case, punctuation or spaces alone ({} with labels that "
                              "contradict each other)",
                              title, number(part["nearly_repeated"]["extra"]),
                              number(part["nearly_repeated"]["conflicting_labels"])),
                  2);
    return found;
  });
  for (const auto& [set, key] : {std::pair("test", "in_both"), std::pair("validation", "in_validation")}) {
    const Json& shared = result[key];
    if (shared.is_null() || shared[std::string(set) + "_examples"] == 0) continue;
    text += wrapped(fmt::format("in both: {} {} {}s also lie in the training set",
                                number(shared[std::string(set) + "_examples"]), set, one),
                    2);
    const Json& names = shared["names"];
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i)
      text += "    " + keep_end(names[i][set], 36) + " = " + keep_end(names[i]["train"], 36) + "\n";
    if (names.size() > 3) text += "    …\n";
  }
  return text;
}

}  // namespace fewlabel
