// fewlabel encoders.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "cli/commands.h"
#include "cli/help.h"
#include "core/json_text.h"
#include "core/text.h"
#include "encoders/encoders.h"

namespace fewlabel {
namespace {

std::string megabytes(int64_t bytes) {
  return fmt::format("{} MB", std::max<int64_t>(1, (bytes + 500'000) / 1'000'000));
}

/// Those that are installed, then the known ones that are not; or the one that is named.
Json listed(const Options& options) {
  Json list = Json::array();
  std::vector<std::string> names;
  for (const EncoderCard& card :
       options.words.empty() ? installed_encoders() : std::vector<EncoderCard>{find_encoder(options.words[0])}) {
    names.push_back(card.name);
    list.push_back({{"name", card.name},
                    {"title", card.title},
                    {"kind", to_string(card.kind)},
                    {"licence", card.licence},
                    {"source", card.source},
                    {"architecture", card.architecture},
                    {"bytes", card.bytes},
                    {"installed", true},
                    {"folder", card.folder.string()}});
  }
  if (!options.words.empty()) return list;
  for (const KnownEncoder& known : known_encoders())
    if (std::find(names.begin(), names.end(), known.name) == names.end())
      list.push_back({{"name", known.name},
                      {"title", known.title},
                      {"kind", to_string(known.kind)},
                      {"licence", known.licence},
                      {"bytes", known.megabytes * 1'000'000},
                      {"installed", false}});
  return list;
}

}  // namespace

void show_encoders(const Options& options) {
  const Json list = listed(options);
  if (options.json) {
    std::cout << json_text(list, 2) << '\n';
    return;
  }
  std::size_t column = 0;
  for (const Json& item : list) column = std::max(column, item.at("name").get<std::string>().size() + 4);
  bool missing = false;
  for (const Json& item : list) {
    const auto text = [&](const char* key) { return printable(item.at(key).get<std::string>()); };
    const bool installed = item.at("installed").get<bool>();
    missing = missing || !installed;
    const std::string licence = text("licence");
    const Kind kind = *std::find_if(std::begin(kAllKinds), std::end(kAllKinds),
                                    [&](Kind candidate) { return to_string(candidate) == text("kind"); });
    std::cout << entry(
        text("name"),
        fmt::format("of {}s: {}, {}, {}{}", word_for_one(kind), text("title"), megabytes(item.at("bytes")),
                    licence.empty() ? "licence unknown" : licence, installed ? "" : "; not installed"),
        column);
  }
  const std::string home = encoder_folder().string();
  if (options.words.empty() && !home.empty()) std::cout << wrap("They lie in " + home + ".", 0);
  if (missing) std::cout << wrap("`make encoders` gets those that are missing.", 0);
}

}  // namespace fewlabel
