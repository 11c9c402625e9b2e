#include "modalities/text/tokenizer/added_tokens.h"

#include <algorithm>
#include <utility>

#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

// The place where the character before `end` begins.
std::size_t step_back(std::string_view text, std::size_t end) {
  --end;
  while (end > 0 && continues(text[end])) --end;
  return end;
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && is(decode_at(text, step_back(text, text.size())).code, kWord);
}
bool starts_with_word(std::string_view text) { return !text.empty() && is(decode_at(text, 0).code, kWord); }

std::size_t spaces_at_start(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Decoded character = decode_at(text, at);
    if (!is(character.code, kWhitespace)) break;
    at += character.size;
  }
  return at;
}
std::size_t without_spaces_at_end(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    const std::size_t before = step_back(text, end);
    if (!is(decode_at(text, before).code, kWhitespace)) break;
    end = before;
  }
  return end;
}

AddedToken read_token(const JsonPart& part) {
  AddedToken token;
  token.content = part.text("content");
  token.single_word = part.flag("single_word", false);
  token.left = part.flag("lstrip", false);
  token.right = part.flag("rstrip", false);
  token.special = part.flag("special", false);
  token.after = part.flag("normalized", !token.special);
  return token;
}

}  // namespace

AddedTokens::AddedTokens(const JsonPart& file, const Vocabulary& vocabulary,
                         const std::vector<Normalizer>& normalizers) {
  const auto all = file.find("added_tokens");
  if (!all) return;
  if (!all->value().is_array() || static_cast<int64_t>(all->value().size()) > kMostIds)
    all->refuse("is no list of a sensible size");
  int32_t next = vocabulary.count();
  for (const auto& entry : all->value()) {
    AddedToken token = read_token(JsonPart(entry, file.where(), "an added token"));
    if (token.content.empty()) continue;
    auto id = this->id(token.content);
    if (!id) id = vocabulary.id(token.content);
    if (!id) id = next++;
    token.normalized = token.content;
    if (token.after) {
      Text text(token.content, 0, Track::nothing);
      for (const Normalizer& normalizer : normalizers) normalizer(text);
      token.normalized = text.view();
    }
    if (token.special) specials_.insert(token.content);
    by_content_[token.content] = *id;
    ids_ = std::max(ids_, *id + 1);
    tokens_.insert_or_assign(*id, std::move(token));
  }
  std::vector<std::pair<std::string_view, int32_t>> before, after;
  for (const auto& [id, token] : tokens_) (token.after ? after : before).emplace_back(token.normalized, id);
  // Tokens that normalizers make alike are one: the smaller id's, whatever order a table of hashes has.
  const auto order = [](const auto& a, const auto& b) { return a.second > b.second; };
  std::sort(before.begin(), before.end(), order);
  std::sort(after.begin(), after.end(), order);
  before_ = Trie(std::move(before));
  after_ = Trie(std::move(after));
}

const AddedToken* AddedTokens::token(int32_t id) const {
  const auto place = tokens_.find(id);
  return place == tokens_.end() ? nullptr : &place->second;
}

std::optional<int32_t> AddedTokens::id(std::string_view content) const {
  const auto place = by_content_.find(std::string(content));
  return place == by_content_.end() ? std::nullopt : std::optional<int32_t>(place->second);
}

void AddedTokens::find(Document& document, bool after) const {
  const Trie& trie = after ? after_ : before_;
  if (trie.empty()) {
    // Normalizers may have moved where a piece begins.
    for (Piece& piece : document.pieces)
      if (piece.id < 0) piece.origin = document.origin_of(piece.begin);
    return;
  }
  cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) { find_in(trie, document, piece, pieces); });
}

// Leftmost, of those the longest.
void AddedTokens::find_in(const Trie& trie, const Document& document, const Piece& piece,
                          std::vector<Piece>& pieces) const {
  const std::string_view text = document.view(piece);
  std::size_t done = 0;  // all before is in `pieces`
  const auto add = [&](std::size_t begin, std::size_t end, int32_t id) {
    if (begin >= end) return;
    const auto from = static_cast<uint32_t>(piece.begin + begin);
    pieces.push_back({from, static_cast<uint32_t>(piece.begin + end), document.origin_of(from), id});
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    int32_t id = -1;
    if (trie.child(0, text[at]) != 0)
      trie.prefixes(text.substr(at), [&](std::size_t length, int32_t value) {
        size = length;
        id = value;
      });
    if (id < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_.at(id);
    std::size_t begin = at, end = at + size;
    at = end;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
    if (token.left) begin = std::max(without_spaces_at_end(text.substr(0, begin)), done);
    if (token.right) end += spaces_at_start(text.substr(end));
    add(done, begin, -1);
    add(begin, end, id);
    done = end;
  }
  add(done, text.size(), -1);
}

}  // namespace fewlabel::tokenizing
