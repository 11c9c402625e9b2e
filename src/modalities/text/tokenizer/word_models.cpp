// Whole words (WordLevel), and words from their longest known beginnings (WordPiece, Schuster & Nakajima 2012).
#include <fmt/format.h>

#include <string>
#include <utility>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/model.h"
#include "modalities/text/tokenizer/trie.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

class WordLevel final : public Model {
 public:
  explicit WordLevel(const JsonPart& part)
      : where_(part.where()), unknown_token_(part.text("unk_token", "<unk>")), vocabulary_(Vocabulary::read(part)) {}

  void tokenize(std::string_view word, std::vector<Part>& parts) const override {
    auto id = vocabulary_.id(word);
    if (!id) id = unknown();
    if (!id) throw_unknown(where_, unknown_token_);
    parts.push_back({*id, 0, static_cast<uint32_t>(word.size())});
  }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::optional<int32_t> unknown() const override { return vocabulary_.id(unknown_token_); }

 private:
  std::string where_, unknown_token_;
  Vocabulary vocabulary_;
};

class WordPiece final : public Model {
 public:
  explicit WordPiece(const JsonPart& part)
      : where_(part.where()),
        unknown_token_(part.text("unk_token")),
        longest_(static_cast<std::size_t>(part.number("max_input_chars_per_word", 0, 1 << 20))),
        vocabulary_(Vocabulary::read(part)) {
    const std::string prefix = part.text("continuing_subword_prefix");
    std::vector<std::pair<std::string_view, int32_t>> begins, continues;
    for (int32_t id = 0; id < vocabulary_.ids(); ++id) {
      if (!vocabulary_.has(id)) continue;
      const std::string_view token = vocabulary_.token(id);
      begins.emplace_back(token, id);
      if (token.starts_with(prefix)) continues.emplace_back(token.substr(prefix.size()), id);
    }
    begins_ = Trie(std::move(begins));
    continues_ = Trie(std::move(continues));
  }

  void tokenize(std::string_view word, std::vector<Part>& parts) const override {
    const std::size_t before = parts.size();
    const auto size = static_cast<uint32_t>(word.size());
    bool fits = size <= longest_ || count_characters(word) <= longest_;
    for (uint32_t begin = 0; fits && begin < size;) {
      Part best{-1, begin, begin};
      (begin == 0 ? begins_ : continues_).prefixes(word.substr(begin), [&](std::size_t length, int32_t id) {
        best = {id, begin, begin + static_cast<uint32_t>(length)};
      });
      fits = best.id >= 0;
      if (fits) parts.push_back(best);
      begin = best.end;
    }
    if (fits) return;
    parts.resize(before);
    const auto id = unknown();
    if (!id) throw_unknown(where_, unknown_token_);
    parts.push_back({*id, 0, size});
  }
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::optional<int32_t> unknown() const override { return vocabulary_.id(unknown_token_); }

 private:
  std::string where_, unknown_token_;
  std::size_t longest_;  // characters of a word; longer ones are unknown
  Vocabulary vocabulary_;
  Trie begins_, continues_;
};

}  // namespace

void throw_unknown(const std::string& where, const std::string& token) {
  throw Error(ErrorKind::data, where,
              fmt::format("has no token for a part of a text, nor the token '{}' for what is unknown", token),
              "add that token to its vocabulary, or use another tokenizer.json");
}

std::string byte_token(uint8_t byte) { return fmt::format("<0x{:02X}>", byte); }

std::unique_ptr<Model> read_word_level(const JsonPart& part) { return std::make_unique<WordLevel>(part); }
std::unique_ptr<Model> read_word_piece(const JsonPart& part) { return std::make_unique<WordPiece>(part); }

std::unique_ptr<Model> read_model(const JsonPart& part, bool bytes) {
  std::string type = part.type();
  if (type.empty())  // files of before 2020
    type = part.find("merges")                      ? "BPE"
           : part.find("continuing_subword_prefix") ? "WordPiece"
           : part.at("vocab").value().is_array()    ? "Unigram"
                                                    : "WordLevel";
  if (type == "BPE") return read_bpe(part, bytes);
  if (type == "Unigram") return read_unigram(part);
  if (type == "WordPiece") return read_word_piece(part);
  if (type == "WordLevel") return read_word_level(part);
  part.unknown(type);
}

}  // namespace fewlabel::tokenizing
