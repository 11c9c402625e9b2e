// Texts to token ids and back, as PyPI's `tokenizers` does it, from the tokenizer.json that Hugging Face models come
// with.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

/// A token and the bytes [begin, end) of the original text that it stands for: whole characters; 0 and 0 for what a
/// template added.
struct Token {
  int32_t id;
  int32_t begin, end;
};

/// Models WordPiece, BPE, Unigram and WordLevel with all normalizers, pre-tokenizers (but UnicodeScripts),
/// post-processors and decoders of PyPI's `tokenizers` 0.23, whose ids, offsets and decoded texts it gives. A file's
/// `truncation` and `padding` are not applied, that is the caller's; nor is BPE's `dropout`. Copies share everything;
/// all functions may be called from any number of threads.
class Tokenizer {
 public:
  /// Throws Error{storage} for a file that cannot be read, is unsound, or has a part that is not known here.
  static Tokenizer read(const std::filesystem::path& tokenizer_json);
  /// The same for its content; `where` names it in errors.
  static Tokenizer parse(const std::string& json, const std::string& where);
  /// What it was read from.
  const std::string& json() const;

  /// The tokens of a text of at most 16 MB. `special`: with what the file adds around a text. Bytes that are no UTF-8
  /// count as U+FFFD. Throws Error{data} where the vocabulary has neither a token for a part nor one for what is
  /// unknown.
  std::vector<Token> encode(std::string_view text, bool special = true) const;
  /// Their ids alone, sooner.
  std::vector<int32_t> ids(std::string_view text, bool special = true) const;
  /// The text of tokens; ids that no token has are left out.
  std::string decode(std::span<const int32_t> ids, bool skip_special = true) const;

  /// One more than the largest id: the rows that an embedding needs.
  int32_t size() const;
  std::optional<int32_t> id(std::string_view token) const;
  /// "" where no token has the id.
  std::string token(int32_t id) const;
  /// Whether the token is one that decode() leaves out.
  bool special(int32_t id) const;

  // Tokens with a task, where the vocabulary has them: by what the file says of them, else by their usual names.
  std::optional<int32_t> padding() const;
  std::optional<int32_t> unknown() const;
  std::optional<int32_t> mask() const;
  std::optional<int32_t> cls() const;  // before a text
  std::optional<int32_t> sep() const;  // behind it

 private:
  struct Parts;
  explicit Tokenizer(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}

  std::shared_ptr<const Parts> parts_;
};

}  // namespace fewlabel
