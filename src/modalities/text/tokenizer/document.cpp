#include "modalities/text/tokenizer/document.h"

#include <algorithm>
#include <utility>

#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

// A row of matches that belong together becomes one. Walks backwards where the delimiter goes to what follows.
void merge(std::vector<Match>& matches, Behavior behavior) {
  if (behavior == Behavior::merged_with_next) std::reverse(matches.begin(), matches.end());
  std::vector<Match> merged;
  bool before = false;
  for (const Match& match : matches) {
    const bool joins = behavior == Behavior::contiguous ? match.hit == before : match.hit && !before;
    if (joins && !merged.empty()) {
      merged.back().begin = std::min(merged.back().begin, match.begin);
      merged.back().end = std::max(merged.back().end, match.end);
    } else {
      merged.push_back(match);
    }
    before = match.hit;
  }
  if (behavior == Behavior::merged_with_next) std::reverse(merged.begin(), merged.end());
  matches = std::move(merged);
}

}  // namespace

void cut(Document& document, const std::function<void(const Piece&, std::vector<Piece>&)>& cut_piece) {
  std::vector<Piece> pieces;
  pieces.reserve(document.pieces.size() + document.text.size() / 4);
  for (const Piece& piece : document.pieces) {
    if (piece.id >= 0)
      pieces.push_back(piece);
    else
      cut_piece(piece, pieces);
  }
  document.pieces = std::move(pieces);
}

void split(Document& document, const Matcher& matcher, Behavior behavior, bool invert) {
  std::vector<Match> matches;
  cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) {
    matches.clear();
    matcher(document.view(piece), matches);
    if (invert)
      for (Match& match : matches) match.hit = !match.hit;
    if (behavior != Behavior::removed && behavior != Behavior::isolated) merge(matches, behavior);
    for (const Match& match : matches) {
      if (match.begin == match.end || (behavior == Behavior::removed && match.hit)) continue;
      const uint32_t begin = piece.begin + match.begin;
      pieces.push_back({begin, piece.begin + match.end, document.origin_of(begin)});
    }
  });
}

void match_characters(std::string_view text, const std::function<bool(char32_t)>& holds, std::vector<Match>& matches) {
  uint32_t begin = 0;
  const auto size = static_cast<uint32_t>(text.size());
  for (uint32_t at = 0; at < size;) {
    const Decoded character = decode_at(text, at);
    if (holds(character.code)) {
      if (begin < at) matches.push_back({begin, at, false});
      matches.push_back({at, at + character.size, true});
      begin = at + character.size;
    }
    at += character.size;
  }
  if (begin < size) matches.push_back({begin, size, false});
}

void rewrite(Document& document, const std::function<void(Text&)>& change) {
  if (document.pieces.size() == 1 && document.pieces[0].id < 0 && document.pieces[0].begin == 0 &&
      document.pieces[0].end == document.text.size()) {
    document.text.set_origin(document.pieces[0].origin);
    change(document.text);  // the usual case: nothing was cut yet
    document.pieces[0].end = document.text.size();
    if (document.text.empty()) document.pieces.clear();
    return;
  }
  Text all({}, 0, document.text.tracks() ? Track::spans : Track::nothing);
  std::vector<Piece> pieces;
  for (const Piece& piece : document.pieces) {
    Text part = document.text.part(piece.begin, piece.end, piece.origin);
    if (piece.id < 0) change(part);
    const uint32_t begin = all.size();
    all.append(part);
    if (begin < all.size()) pieces.push_back({begin, all.size(), piece.origin, piece.id});
  }
  document.text = std::move(all);
  document.pieces = std::move(pieces);
}

}  // namespace fewlabel::tokenizing
