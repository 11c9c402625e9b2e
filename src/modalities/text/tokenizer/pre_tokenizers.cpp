#include "modalities/text/tokenizer/pre_tokenizers.h"

#include <utility>

#include "modalities/text/tokenizer/normalizers.h"
#include "modalities/text/tokenizer/regex.h"
#include "modalities/text/tokenizer/unicode.h"
#include "modalities/text/tokenizer/word_scanners.h"

namespace fewlabel::tokenizing {
namespace {

Behavior read_behavior(const JsonPart& part) {
  const std::string name = part.text("behavior");
  if (name == "Removed") return Behavior::removed;
  if (name == "Isolated") return Behavior::isolated;
  if (name == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (name == "MergedWithNext") return Behavior::merged_with_next;
  if (name == "Contiguous") return Behavior::contiguous;
  part.at("behavior").refuse("is none of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

// Words are rows of characters of one kind; `kind` gives 0 for what lies between words, and -1 for a word on its own.
template <typename Kind>
void cut_by_kind(Document& document, const Kind& kind) {
  cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) {
    const std::string_view text = document.view(piece);
    const auto size = static_cast<uint32_t>(text.size());
    uint32_t begin = 0;
    int before = 0;
    const auto finish = [&](uint32_t end) {
      if (before != 0 && begin < end)
        pieces.push_back({piece.begin + begin, piece.begin + end, document.origin_of(piece.begin + begin)});
      begin = end;
    };
    for (uint32_t at = 0; at < size;) {
      const Decoded character = decode_at(text, at);
      const int now = kind(classes_of(character.code));
      if (now != before || now < 0) finish(at);
      before = now;
      at += character.size;
    }
    finish(size);
  });
}

void cut_bert(Document& document) {
  cut_by_kind(document, [](unsigned classes) { return classes & kWhitespace ? 0 : classes & kPunctuation ? -1 : 1; });
}
void cut_words(Document& document) {
  cut_by_kind(document, [](unsigned classes) { return classes & kWord ? 1 : classes & kWhitespace ? 0 : 2; });
}
void cut_whitespace(Document& document) {
  cut_by_kind(document, [](unsigned classes) { return classes & kWhitespace ? 0 : 1; });
}

PreTokenizer scanning(WordScanner scanner) {
  return [scanner](Document& document) {
    std::vector<uint32_t> ends;
    cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) {
      ends.clear();
      scanner(document.view(piece), ends);
      uint32_t begin = piece.begin;
      for (const uint32_t end : ends) {
        pieces.push_back({begin, piece.begin + end, document.origin_of(begin)});
        begin = piece.begin + end;
      }
    });
  };
}

PreTokenizer splitting(std::function<bool(char32_t)> holds, Behavior behavior) {
  return [holds = std::move(holds), behavior](Document& document) {
    split(
        document, [&holds](std::string_view text, auto& matches) { match_characters(text, holds, matches); }, behavior);
  };
}

PreTokenizer read_split(const JsonPart& part) {
  const Behavior behavior = read_behavior(part);
  const bool invert = part.flag("invert");
  const JsonPart pattern = part.at("pattern");
  if (pattern.find("Regex")) {
    const std::string text = pattern.text("Regex");
    const auto scanner = scanner_for(text);
    // All of the text matches them, so that what lies between matches is nothing.
    if (scanner && behavior == Behavior::isolated) return scanning(*scanner);
    const Regex regex(text, part.where());
    return [regex, behavior, invert](Document& document) {
      split(
          document, [&regex](std::string_view view, auto& matches) { regex.matches(view, matches); }, behavior, invert);
    };
  }
  const std::string literal = pattern.text("String");
  if (literal.empty()) pattern.refuse("is empty");
  return [literal, behavior, invert](Document& document) {
    split(
        document, [&literal](std::string_view view, auto& matches) { match_literal(view, literal, matches); }, behavior,
        invert);
  };
}

enum class PrependScheme { first, never, always };

// Spaces become `mark`; words begin with it.
struct Metaspace {
  std::string mark;
  PrependScheme scheme;
  bool splits;

  void change(Text& text) const {
    const std::string_view view = text.view();
    if (view.find(' ') != std::string_view::npos) {
      std::string result;
      std::vector<Span> spans;
      result.reserve(view.size() * 2);
      if (text.tracks()) spans.reserve(view.size() * 2);
      for (uint32_t at = 0; at < view.size(); ++at) {
        const bool space = view[at] == ' ';
        if (space)
          result += mark;
        else
          result += view[at];
        if (text.tracks()) spans.insert(spans.end(), space ? mark.size() : 1, text.span_at(at));
      }
      check_growth(result.size());
      text.assign(std::move(result), std::move(spans));
    }
    const bool wanted = scheme == PrependScheme::always || (scheme == PrependScheme::first && text.origin() == 0);
    if (wanted && !text.view().starts_with(mark)) text.prepend(mark);
  }

  void operator()(Document& document) const {
    rewrite(document, [this](Text& text) { change(text); });
    if (!splits) return;
    cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) {
      const std::string_view text = document.view(piece);
      // A mark begins a word; of several in a row, each but the last is one.
      for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = text.find(mark, begin + (text.substr(begin).starts_with(mark) ? mark.size() : 0));
        if (end == std::string_view::npos) end = text.size();
        const auto from = static_cast<uint32_t>(piece.begin + begin);
        pieces.push_back({from, static_cast<uint32_t>(piece.begin + end), document.origin_of(from)});
        begin = end;
      }
    });
  }
};

Metaspace read_metaspace(const JsonPart& part) {
  Metaspace result{{}, PrependScheme::always, part.flag("split", true)};
  append_utf8(result.mark, part.character("replacement"));
  const std::string scheme = part.text("prepend_scheme", "always");
  if (scheme == "first")
    result.scheme = PrependScheme::first;
  else if (scheme == "never")
    result.scheme = PrependScheme::never;
  else if (scheme != "always")
    part.at("prepend_scheme").refuse("is none of first, never, always");
  if (!part.flag("add_prefix_space", true)) {
    if (part.find("prepend_scheme") && result.scheme != PrependScheme::never)
      part.refuse("has an add_prefix_space that contradicts its prepend_scheme");
    result.scheme = PrependScheme::never;
  }
  return result;
}

PreTokenizer read_fixed_length(const JsonPart& part) {
  const auto length = static_cast<uint32_t>(part.number("length", 1, 1 << 20));
  return [length](Document& document) {
    cut(document, [&](const Piece& piece, std::vector<Piece>& pieces) {
      const std::string_view text = document.view(piece);
      for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        for (uint32_t i = 0; i < length && end < text.size(); ++i) end += size_of_first(text[end]);
        const auto from = static_cast<uint32_t>(piece.begin + begin);
        pieces.push_back({from, static_cast<uint32_t>(piece.begin + end), document.origin_of(from)});
        begin = end;
      }
    });
  };
}

void read_into(const JsonPart& part, PreTokenizers& result) {
  // Bytes are shown, but another step follows: it has to see them shown.
  if (std::exchange(result.shows_bytes, false))
    result.steps.emplace_back([](Document& document) { rewrite(document, show_bytes); });
  auto& steps = result.steps;
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& step : part.list("pretokenizers")) read_into(step, result);
  } else if (type == "BertPreTokenizer") {
    steps.emplace_back(cut_bert);
  } else if (type == "ByteLevel") {
    add_byte_level(part.flag("add_prefix_space"), part.flag("use_regex", true), steps);
    result.shows_bytes = true;
  } else if (type == "Metaspace") {
    const Metaspace metaspace = read_metaspace(part);
    result.needs_origins |= metaspace.scheme == PrependScheme::first;
    steps.emplace_back(metaspace);
  } else if (type == "Whitespace") {
    steps.emplace_back(cut_words);
  } else if (type == "WhitespaceSplit") {
    steps.emplace_back(cut_whitespace);
  } else if (type == "Split") {
    steps.push_back(read_split(part));
  } else if (type == "Punctuation") {
    const Behavior behavior = part.find("behavior") ? read_behavior(part) : Behavior::isolated;
    steps.push_back(splitting([](char32_t c) { return is(c, kPunctuation); }, behavior));
  } else if (type == "Digits") {
    const Behavior behavior = part.flag("individual_digits") ? Behavior::isolated : Behavior::contiguous;
    steps.push_back(splitting([](char32_t c) { return is(c, kNumeric); }, behavior));
  } else if (type == "CharDelimiterSplit") {
    const char32_t delimiter = part.character("delimiter");
    steps.push_back(splitting([delimiter](char32_t c) { return c == delimiter; }, Behavior::removed));
  } else if (type == "FixedLength") {
    steps.push_back(read_fixed_length(part));
  } else {
    part.unknown(type);
  }
}

}  // namespace

void add_byte_level(bool prefix_space, bool use_regex, std::vector<PreTokenizer>& steps) {
  if (prefix_space)
    steps.emplace_back([](Document& document) {
      rewrite(document, [](Text& text) {
        if (!text.view().starts_with(' ')) text.prepend(" ");
      });
    });
  if (use_regex) steps.push_back(scanning(scan_gpt2));
}

PreTokenizers read_pre_tokenizers(const JsonPart& part) {
  PreTokenizers result;
  read_into(part, result);
  return result;
}

}  // namespace fewlabel::tokenizing
