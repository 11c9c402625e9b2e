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

Json card_json(const EncoderCard& card) {
  return {{"name", card.name},       {"title", card.title},   {"kind", to_string(card.kind)},
          {"licence", card.licence}, {"source", card.source}, {"architecture", card.architecture},
          {"bytes", card.bytes},     {"installed", true},     {"folder", card.folder.string()}};
}

}  // namespace

void show_encoders(const Options& options) {
  std::vector<EncoderCard> cards;
  if (options.words.empty())
    cards = installed_encoders();
  else
    cards.push_back(find_encoder(options.words[0]));
  std::vector<KnownEncoder> missing;
  if (options.words.empty())
    for (const KnownEncoder& known : known_encoders())
      if (std::none_of(cards.begin(), cards.end(), [&](const EncoderCard& card) { return card.name == known.name; }))
        missing.push_back(known);
  if (options.json) {
    Json list = Json::array();
    for (const EncoderCard& card : cards) list.push_back(card_json(card));
    for (const KnownEncoder& known : missing)
      list.push_back({{"name", known.name},
                      {"title", known.title},
                      {"kind", to_string(known.kind)},
                      {"licence", known.licence},
                      {"bytes", known.megabytes * 1'000'000},
                      {"installed", false}});
    std::cout << json_text(list, 2) << '\n';
    return;
  }
  std::size_t column = 0;
  for (const EncoderCard& card : cards) column = std::max(column, card.name.size() + 4);
  for (const KnownEncoder& known : missing) column = std::max(column, std::string_view(known.name).size() + 4);
  for (const EncoderCard& card : cards)
    std::cout << entry(
        printable(card.name),
        fmt::format("of {}s: {}, {}, {}", word_for_one(card.kind), printable(card.title), megabytes(card.bytes),
                    card.licence.empty() ? "licence unknown" : printable(card.licence)),
        column);
  for (const KnownEncoder& known : missing)
    std::cout << entry(known.name,
                       fmt::format("of {}s: {}, {} MB, {}; not installed", word_for_one(known.kind), known.title,
                                   known.megabytes, known.licence),
                       column);
  const std::string home = encoder_folder().string();
  if (options.words.empty() && !home.empty()) std::cout << wrap("They lie in " + home + ".", 0);
  if (!missing.empty()) std::cout << wrap("`make encoders` gets those that are missing.", 0);
}

}  // namespace fewlabel
