#include "modalities/text/tokenizer/post_processor.h"

#include <utility>

#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr std::size_t kMostSpecials = 1024;

// Moves the ends of a token inwards, over the spaces that it stands for.
void trim(std::string_view text, bool first, bool prefix_space, Draft& token) {
  uint32_t leading = token.leading;
  // One space at the start of a text is the one that was put there.
  if ((first || token.begin == 0) && prefix_space && leading == 1) leading = 0;
  for (; leading > 0 && token.begin < token.end; --leading) token.begin += size_of_first(text[token.begin]);
  uint32_t end = token.end, left = token.trailing;
  for (; left > 0 && end > 0; --left) do
      --end;
    while (end > 0 && continues(text[end]));
  if (left == 0) token.end = std::max(end, token.begin);
}

// ["[SEP]", 102]
int32_t read_pair(const JsonPart& part) {
  if (!part.value().is_array() || part.value().size() != 2) part.refuse("is no pair of token and id");
  return static_cast<int32_t>(JsonPart(part.value()[1], part.where(), "the id of a pair").as_number(0, kMostIds - 1));
}

}  // namespace

void count_spaces(std::string_view token, uint32_t& leading, uint32_t& trailing) {
  const char32_t shown = character_of_byte(' ');
  leading = trailing = 0;
  bool only_spaces = true;
  for (std::size_t at = 0; at < token.size();) {
    const Decoded character = decode_at(token, at);
    at += character.size;
    const bool space = character.code == shown || is(character.code, kWhitespace);
    only_spaces &= space;
    leading += only_spaces ? 1 : 0;
    trailing = space ? trailing + 1 : 0;
  }
}

PostProcessor::PostProcessor(const JsonPart& part) { read(part); }

void PostProcessor::apply(std::string_view text, bool special, std::vector<Draft>& tokens) const {
  for (const Step& step : steps_) step(text, special, tokens);
}

void PostProcessor::read(const JsonPart& part) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& step : part.list("processors")) read(step);
  } else if (type == "TemplateProcessing") {
    read_template(part);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    if (type == "RobertaProcessing" && part.flag("trim_offsets")) add_trimming(part.flag("add_prefix_space"));
    add_around({read_pair(part.at("cls"))}, {read_pair(part.at("sep"))});
  } else if (type == "ByteLevel") {
    if (part.flag("trim_offsets")) add_trimming(part.flag("add_prefix_space"));
  } else {
    part.unknown(type);
  }
}

void PostProcessor::read_template(const JsonPart& part) {
  const JsonPart specials = part.at("special_tokens");
  std::vector<int32_t> around[2];
  bool behind = false;
  for (const JsonPart& piece : part.list("single")) {
    if (piece.find("Sequence")) {
      if (piece.at("Sequence").text("id") != "A")
        piece.refuse("is not the one text that a template for single texts has");
      if (behind) piece.refuse("is the text a second time");
      behind = true;
      continue;
    }
    const std::string name = piece.at("SpecialToken").text("id");
    const auto special = specials.find(name.c_str());
    if (!special) piece.refuse("is a token that special_tokens lacks");
    const JsonPart ids = special->at("ids");
    if (!ids.value().is_array() || ids.value().size() > kMostSpecials) ids.refuse("is no list of ids");
    for (const auto& id : ids.value())
      around[behind ? 1 : 0].push_back(
          static_cast<int32_t>(JsonPart(id, part.where(), "an id of a template").as_number(0, kMostIds - 1)));
  }
  if (!behind) part.refuse("has a template without the text");
  add_around(std::move(around[0]), std::move(around[1]));
}

void PostProcessor::add_around(std::vector<int32_t> before, std::vector<int32_t> after) {
  if (!before.empty()) first_ = before.front();
  if (!after.empty()) last_ = after.back();
  steps_.emplace_back([before = std::move(before), after = std::move(after)](std::string_view, bool special,
                                                                             std::vector<Draft>& tokens) {
    if (!special) return;
    std::vector<Draft> added;
    for (const int32_t id : before) added.push_back({id, 0, 0});
    tokens.insert(tokens.begin(), added.begin(), added.end());
    for (const int32_t id : after) tokens.push_back({id, 0, 0});
  });
}

void PostProcessor::add_trimming(bool prefix_space) {
  trims_ = true;
  steps_.emplace_back([prefix_space](std::string_view text, bool, std::vector<Draft>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (tokens[i].leading + tokens[i].trailing > 0) trim(text, i == 0, prefix_space, tokens[i]);
  });
}

}  // namespace fewlabel::tokenizing
