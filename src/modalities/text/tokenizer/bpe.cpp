// Byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909): neighbours are merged in the order in which learning
// did.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "modalities/text/tokenizer/hash_map.h"
#include "modalities/text/tokenizer/model.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

struct Merge {
  uint32_t rank = 0;
  int32_t id = 0;  // what the two become
};

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// A token of a word while it is merged; `length` 0: merged into another.
struct Symbol {
  int32_t id;
  int32_t before, after;  // -1: none
  uint32_t length;        // bytes
};

struct Candidate {
  uint32_t rank;
  int32_t place;
  int32_t id;

  // Of a heap whose top is the lowest rank, leftmost.
  bool operator<(const Candidate& other) const { return std::pair(rank, place) > std::pair(other.rank, other.place); }
};

class Bpe final : public Model {
 public:
  Bpe(const JsonPart& part, bool bytes)
      : where_(part.where()),
        vocabulary_(Vocabulary::read(part)),
        unknown_token_(part.text("unk_token", "")),
        prefix_(part.text("continuing_subword_prefix", "")),
        suffix_(part.text("end_of_word_suffix", "")),
        fuses_unknown_(part.flag("fuse_unk", false)),
        falls_back_(part.flag("byte_fallback", false)),
        whole_words_(part.flag("ignore_merges", false)) {
    read_merges(part);
    if (!unknown_token_.empty()) unknown_ = vocabulary_.id(unknown_token_);
    for (std::size_t byte = 0; byte < 256; ++byte)
      fallback_[byte] = vocabulary_.id(byte_token(static_cast<uint8_t>(byte))).value_or(-1);
    if (bytes) learn_bytes();
  }

  void tokenize(std::string_view word, std::vector<Part>& parts) const override {
    if (word.empty()) return;
    if (whole_words_) {
      const auto id = reads_bytes_ ? byte_words_.id(word) : vocabulary_.id(word);
      if (id) {
        parts.push_back({*id, 0, static_cast<uint32_t>(word.size())});
        return;
      }
    }
    thread_local std::vector<Symbol> symbols;
    symbols.clear();
    if (reads_bytes_)
      begin_with_bytes(word, symbols);
    else
      begin_with_characters(word, symbols);
    merge(symbols);
    uint32_t begin = 0;
    for (const Symbol& symbol : symbols) {
      if (symbol.length == 0) continue;
      parts.push_back({symbol.id, begin, begin + symbol.length});
      begin += symbol.length;
    }
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::optional<int32_t> unknown() const override { return unknown_; }
  bool reads_bytes() const override { return reads_bytes_; }

 private:
  void read_merges(const JsonPart& part) {
    const JsonPart all = part.at("merges");
    if (!all.value().is_array()) all.refuse("is no list");
    if (static_cast<int64_t>(all.value().size()) > kMostIds) all.refuse("is too long");
    merges_ = KeyMap<Merge>(all.value().size());
    uint32_t rank = 0;
    std::string joined;
    const auto known = [&](std::string_view token) {
      const auto id = vocabulary_.id(token);
      if (!id) all.refuse(fmt::format("needs a token at {} that the vocabulary lacks", rank));
      return *id;
    };
    for (const auto& entry : all.value()) {
      std::string_view left, right;
      if (entry.is_string()) {
        const std::string_view text = entry.get_ref<const std::string&>();
        if (text.starts_with("#version")) continue;
        const std::size_t space = text.find(' ');
        if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
          all.refuse(fmt::format("has an entry at {} that is not two tokens and a space between", rank));
        left = text.substr(0, space);
        right = text.substr(space + 1);
      } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        left = entry[0].get_ref<const std::string&>();
        right = entry[1].get_ref<const std::string&>();
      } else {
        all.refuse(fmt::format("has an entry at {} that is no pair of tokens", rank));
      }
      if (right.size() < prefix_.size()) all.refuse(fmt::format("has a token at {} without its prefix", rank));
      joined.assign(left).append(right.substr(prefix_.size()));
      merges_[pair_key(known(left), known(right))] = {rank, known(joined)};
      ++rank;
    }
  }

  // Bytes stand for their visible characters where the vocabulary has all of these.
  void learn_bytes() {
    if (!prefix_.empty()) return;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::string shown;
      append_utf8(shown, character_of_byte(static_cast<uint8_t>(byte)));
      const auto inner = vocabulary_.id(shown), last = vocabulary_.id(shown + suffix_);
      if (!inner || !last) return;
      inner_[byte] = *inner;
      last_[byte] = *last;
    }
    reads_bytes_ = true;
    if (!whole_words_) return;
    std::string bytes;
    for (int32_t id = 0; id < vocabulary_.ids(); ++id) {
      if (!vocabulary_.has(id)) continue;
      const std::string_view token = vocabulary_.token(id);
      bytes.clear();
      bool all = true;
      for (std::size_t at = 0; all && at < token.size();) {
        const Decoded character = decode_at(token, at);
        at += character.size;
        const int byte = byte_of_character(character.code);
        all = byte >= 0;
        bytes += static_cast<char>(static_cast<unsigned char>(byte));
      }
      if (all && vocabulary_.id(token) == id) byte_words_.add(bytes, id);
    }
  }

  static void add(std::vector<Symbol>& symbols, int32_t id, uint32_t length) {
    const auto place = static_cast<int32_t>(symbols.size());
    if (place > 0) symbols.back().after = place;
    symbols.push_back({id, place - 1, -1, length});
  }

  void begin_with_bytes(std::string_view word, std::vector<Symbol>& symbols) const {
    for (std::size_t i = 0; i + 1 < word.size(); ++i) add(symbols, inner_[static_cast<uint8_t>(word[i])], 1);
    add(symbols, last_[static_cast<uint8_t>(word.back())], 1);
  }

  void begin_with_characters(std::string_view word, std::vector<Symbol>& symbols) const {
    std::string decorated;
    uint32_t unknown = 0;  // bytes of one that is not added yet, since more may join it
    const auto flush = [&] {
      if (unknown > 0) add(symbols, *unknown_, unknown);
      unknown = 0;
    };
    for (std::size_t at = 0; at < word.size();) {
      const uint32_t size = size_of_first(word[at]);
      std::string_view token = word.substr(at, size);
      const bool first = at == 0, last = at + size == word.size();
      at += size;
      if ((!first && !prefix_.empty()) || (last && !suffix_.empty())) {
        decorated.assign(first ? std::string_view() : std::string_view(prefix_)).append(token);
        if (last) decorated += suffix_;
        token = decorated;
      }
      if (const auto id = vocabulary_.id(token)) {
        flush();
        add(symbols, *id, size);
        continue;
      }
      // Bytes go before an unknown that waits, as in the reference.
      if (falls_back_ && has_bytes(token)) {
        for (const char byte : token) add(symbols, fallback_[static_cast<uint8_t>(byte)], 1);
        continue;
      }
      if (unknown_token_.empty()) continue;
      if (!unknown_) throw_unknown(where_, unknown_token_);
      if (!fuses_unknown_) flush();
      unknown += size;
    }
    flush();
  }

  bool has_bytes(std::string_view token) const {
    return std::all_of(token.begin(), token.end(), [this](char c) { return fallback_[static_cast<uint8_t>(c)] >= 0; });
  }

  void merge(std::vector<Symbol>& symbols) const {
    thread_local std::vector<Candidate> heap;
    heap.clear();
    const auto symbol = [&symbols](int32_t place) -> Symbol& { return symbols[static_cast<std::size_t>(place)]; };
    const auto push = [&](int32_t place, int32_t right) {
      const Merge* merge = merges_.find(pair_key(symbol(place).id, symbol(right).id));
      if (merge == nullptr) return;
      heap.push_back({merge->rank, place, merge->id});
      std::push_heap(heap.begin(), heap.end());
    };
    for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i) push(i, i + 1);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate top = heap.back();
      heap.pop_back();
      Symbol& left = symbol(top.place);
      if (left.length == 0 || left.after < 0) continue;
      Symbol& right = symbol(left.after);
      // Either may have been merged into another one meanwhile.
      const Merge* merge = merges_.find(pair_key(left.id, right.id));
      if (merge == nullptr || merge->id != top.id) continue;
      left.id = top.id;
      left.length += right.length;
      left.after = right.after;
      right.length = 0;
      if (left.after >= 0) symbol(left.after).before = top.place;
      if (left.before >= 0) push(left.before, top.place);
      if (left.after >= 0) push(top.place, left.after);
    }
  }

  std::string where_;
  Vocabulary vocabulary_;
  std::string unknown_token_, prefix_, suffix_;
  std::optional<int32_t> unknown_;
  bool fuses_unknown_, falls_back_, whole_words_;
  KeyMap<Merge> merges_;
  std::array<int32_t, 256> fallback_{};
  bool reads_bytes_ = false;
  std::array<int32_t, 256> inner_{}, last_{};  // ids of bytes inside of a word, and at its end
  Vocabulary byte_words_;                      // tokens as bytes
};

}  // namespace

std::unique_ptr<Model> read_bpe(const JsonPart& part, bool bytes) { return std::make_unique<Bpe>(part, bytes); }

}  // namespace fewlabel::tokenizing
