// The most probable way to cut a word into tokens whose probabilities are independent (Kudo 2018, arXiv 1804.10959).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/model.h"
#include "modalities/text/tokenizer/trie.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr double kUnknownPenalty = 10;  // how much less likely an unknown character is than the rarest token

// Equally good paths are common (rows of one character), and the last bit of the scores chooses among them. PyPI's
// `tokenizers` reads numbers with Rust's serde_json: the digits as an integer, times or by a power of ten, each
// rounded.
double as_reference_reads(double exact) {
  std::array<char, 32> text;
  const char* end = std::to_chars(text.data(), text.data() + text.size(), exact, std::chars_format::scientific).ptr;
  uint64_t digits = 0;
  int exponent = 0;
  bool fraction = false;
  const char* at = text.data();
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') fraction = true;
    if (*at < '0' || *at > '9') continue;
    digits = 10 * digits + static_cast<uint64_t>(*at - '0');
    exponent -= fraction ? 1 : 0;
  }
  int power = 0;
  if (at != end) std::from_chars(at + (at[1] == '+' ? 2 : 1), end, power);
  exponent += power;
  auto value = static_cast<double>(digits);
  if (exponent < -308) {
    value /= 1e308;
    exponent += 308;
  }
  double factor = 1;
  const std::string literal = fmt::format("1e{}", std::abs(exponent));
  std::from_chars(literal.data(), literal.data() + literal.size(), factor);
  value = exponent < 0 ? value / factor : value * factor;
  return std::signbit(exact) ? -value : value;
}

class Unigram final : public Model {
 public:
  explicit Unigram(const JsonPart& part) : where_(part.where()) {
    const JsonPart all = part.at("vocab");
    if (!all.value().is_array()) all.refuse("is no list of tokens and scores");
    if (static_cast<int64_t>(all.value().size()) > kMostIds) all.refuse("is too long");
    std::vector<std::pair<std::string_view, int32_t>> keys;
    int32_t id = 0;
    for (const auto& entry : all.value()) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        all.refuse(fmt::format("has an entry {} that is no pair of token and score", id));
      const double score = entry[1].get<double>();
      if (!std::isfinite(score)) all.refuse(fmt::format("has a score at {} that is no finite number", id));
      const auto& token = entry[0].get_ref<const std::string&>();
      vocabulary_.add(token, id);
      keys.emplace_back(token, id);
      scores_.push_back(as_reference_reads(score));
      least_ = std::min(least_, scores_.back());
      ++id;
    }
    trie_ = Trie(std::move(keys));
    if (part.find("unk_id")) unknown_ = static_cast<int32_t>(part.number("unk_id", 0, id - 1));
    if (part.flag("byte_fallback", false)) {
      falls_back_ = true;
      for (std::size_t byte = 0; byte < 256; ++byte)
        bytes_[byte] = vocabulary_.id(byte_token(static_cast<uint8_t>(byte))).value_or(-1);
    }
  }

  void tokenize(std::string_view word, std::vector<Part>& parts) const override {
    const auto size = static_cast<uint32_t>(word.size());
    thread_local std::vector<Best> best;
    best.assign(word.size() + 1, Best{});
    for (uint32_t begin = 0; begin < size;) {
      const double before = best[begin].score;
      const uint32_t character = size_of_first(word[begin]);
      bool single = false;
      const auto offer = [&](std::size_t end, double score, int32_t id) {
        Best& there = best[end];
        if (there.id >= 0 && score <= there.score) return;
        there = {score, begin, id};
      };
      trie_.prefixes(word.substr(begin), [&](std::size_t length, int32_t id) {
        offer(begin + length, scores_[static_cast<std::size_t>(id)] + before, id);
        single |= length == character;
      });
      if (!single) {
        const double score = least_ - kUnknownPenalty + before;
        const bool better = best[begin + character].id < 0 || score > best[begin + character].score;
        if (better && !unknown_) throw_unknown(where_, "<unk>");
        if (better) offer(begin + character, score, *unknown_);
      }
      begin += character;
    }
    collect(word, best, parts);
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::optional<int32_t> unknown() const override { return unknown_; }
  bool shows_unknown() const override { return true; }

 private:
  struct Best {
    double score = 0;
    uint32_t begin = 0;
    int32_t id = -1;  // none yet
  };

  // Follows the path back; unknown neighbours become one token, or bytes.
  void collect(std::string_view word, const std::vector<Best>& best, std::vector<Part>& parts) const {
    thread_local std::vector<Part> backwards;
    backwards.clear();
    bool fusing = false;
    for (auto end = static_cast<uint32_t>(word.size()); end > 0;) {
      const Best& node = best[end];
      const bool unknown = unknown_ && node.id == *unknown_;
      if (unknown && fusing)
        backwards.back().begin = node.begin;
      else
        backwards.push_back({node.id, node.begin, end});
      fusing = unknown;
      end = node.begin;
    }
    for (auto part = backwards.rbegin(); part != backwards.rend(); ++part) {
      if (unknown_ && part->id == *unknown_)
        add_unknown(word.substr(part->begin, part->end - part->begin), *part, parts);
      else
        parts.push_back(*part);
    }
  }

  void add_unknown(std::string_view text, Part part, std::vector<Part>& parts) const {
    if (const auto id = vocabulary_.id(text)) {
      parts.push_back({*id, part.begin, part.end});
      return;
    }
    bool all = falls_back_;
    for (std::size_t i = 0; all && i < text.size(); ++i) all = bytes_[static_cast<uint8_t>(text[i])] >= 0;
    if (!all) {
      parts.push_back(part);
      return;
    }
    for (const char byte : text) parts.push_back({bytes_[static_cast<uint8_t>(byte)], part.begin, part.end});
  }

  std::string where_;
  Vocabulary vocabulary_;
  std::vector<double> scores_;
  double least_ = std::numeric_limits<double>::infinity();
  Trie trie_;
  std::optional<int32_t> unknown_;
  bool falls_back_ = false;
  std::array<int32_t, 256> bytes_{};
};

}  // namespace

std::unique_ptr<Model> read_unigram(const JsonPart& part) { return std::make_unique<Unigram>(part); }

}  // namespace fewlabel::tokenizing
