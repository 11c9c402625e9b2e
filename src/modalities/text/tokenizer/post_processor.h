// What is added around a text and how offsets are trimmed: the `post_processor` of a tokenizer.json.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "modalities/text/tokenizer/reading.h"

namespace fewlabel::tokenizing {

/// A token before it is handed out. `leading` and `trailing` count the spaces that it stands for at its ends.
struct Draft {
  int32_t id;
  uint32_t begin, end;
  uint32_t leading = 0, trailing = 0;
};

/// Spaces at the ends of a token's text, GPT-2's visible one included.
void count_spaces(std::string_view token, uint32_t& leading, uint32_t& trailing);

class PostProcessor {
 public:
  PostProcessor() = default;
  /// Throws Error{storage} for what is unknown or unsound.
  explicit PostProcessor(const JsonPart& part);

  /// `text` is the original one.
  void apply(std::string_view text, bool special, std::vector<Draft>& tokens) const;
  /// Whether apply() reads what count_spaces() found.
  bool trims() const { return trims_; }
  /// Tokens that it puts first and last; none where it adds none there.
  std::optional<int32_t> first() const { return first_; }
  std::optional<int32_t> last() const { return last_; }

 private:
  using Step = std::function<void(std::string_view text, bool special, std::vector<Draft>& tokens)>;
  void read(const JsonPart& part);
  void read_template(const JsonPart& part);
  void add_around(std::vector<int32_t> before, std::vector<int32_t> after);
  void add_trimming(bool prefix_space);

  std::vector<Step> steps_;
  bool trims_ = false;
  std::optional<int32_t> first_, last_;
};

}  // namespace fewlabel::tokenizing
