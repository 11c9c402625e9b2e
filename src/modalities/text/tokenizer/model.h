// What makes tokens of a word: the `model` of a tokenizer.json.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/reading.h"
#include "modalities/text/tokenizer/vocabulary.h"

namespace fewlabel::tokenizing {

/// A token of a word, and the bytes of the word that it stands for.
struct Part {
  int32_t id;
  uint32_t begin, end;
};

/// Immutable, for any number of threads.
class Model {
 public:
  virtual ~Model() = default;
  /// Adds the tokens of a word. Throws Error{data} for a word that the vocabulary cannot express.
  virtual void tokenize(std::string_view word, std::vector<Part>& parts) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
  virtual std::optional<int32_t> unknown() const = 0;
  /// Whether words may come as bytes, instead of the visible characters that stand for them.
  virtual bool reads_bytes() const { return false; }
  /// Whether a token's own text and not the vocabulary's is what post-processing sees.
  virtual bool shows_unknown() const { return false; }
};

/// `bytes`: the pre-tokenizer shows bytes, so that words may come as bytes where the model can read them.
/// Throws Error{storage} for what is unknown or unsound.
std::unique_ptr<Model> read_model(const JsonPart& part, bool bytes);

std::unique_ptr<Model> read_bpe(const JsonPart& part, bool bytes);
std::unique_ptr<Model> read_unigram(const JsonPart& part);
std::unique_ptr<Model> read_word_piece(const JsonPart& part);
std::unique_ptr<Model> read_word_level(const JsonPart& part);

/// Error{data} for a word that is not in a vocabulary without an unknown token.
[[noreturn]] void throw_unknown(const std::string& where, const std::string& token);
/// "<0x0A>", as vocabularies with a byte fallback call a byte.
std::string byte_token(uint8_t byte);

}  // namespace fewlabel::tokenizing
