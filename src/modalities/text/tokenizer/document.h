// A text and the pieces it is cut into: what pre-tokenizers work on, and models read.
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/text.h"

namespace fewlabel::tokenizing {

/// Bytes [begin, end) of the document's text.
struct Piece {
  uint32_t begin, end;
  uint32_t origin;  // where it begins in the original
  int32_t id = -1;  // of the added token that it is; -1: still to be cut up
};

struct Document {
  Text text;
  std::vector<Piece> pieces;

  std::string_view view(const Piece& piece) const { return text.view().substr(piece.begin, piece.end - piece.begin); }
  /// The original position where bytes from `begin` on come from.
  uint32_t origin_of(uint32_t begin) const { return text.tracks() ? text.span_at(begin).begin : 0; }
};

/// A part of a piece; matches cover their text without gaps.
struct Match {
  uint32_t begin, end;
  bool hit;
};

/// What becomes of delimiters. "the-final--countdown", split at '-':
enum class Behavior {
  removed,               // the | final | countdown
  isolated,              // the | - | final | - | - | countdown
  merged_with_previous,  // the- | final- | - | countdown
  merged_with_next,      // the | -final | - | -countdown
  contiguous,            // the | - | final | -- | countdown
};

/// Fills in the matches of a text.
using Matcher = std::function<void(std::string_view text, std::vector<Match>& matches)>;

/// Cuts every piece that is no added token.
void split(Document& document, const Matcher& matcher, Behavior behavior, bool invert = false);
/// Matches of single characters.
void match_characters(std::string_view text, const std::function<bool(char32_t)>& holds, std::vector<Match>& matches);
/// Puts other pieces in the place of each that is no added token: cut(piece, pieces) adds them.
void cut(Document& document, const std::function<void(const Piece&, std::vector<Piece>&)>& cut_piece);
/// Rewrites every piece that is no added token.
void rewrite(Document& document, const std::function<void(Text&)>& change);

}  // namespace fewlabel::tokenizing
