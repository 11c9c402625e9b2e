#include "modalities/text/views.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "core/policy.h"
#include "core/text.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

using augment::Arguments;

/// A text while steps work on it: its words, each a run of ids.
using Word = std::vector<int32_t>;
struct Words {
  Word before, after;  // special tokens at both ends
  std::vector<Word> words;
};

class Step {
 public:
  virtual ~Step() = default;
  virtual void apply(std::vector<Word>& words, Random& random) const = 0;
};

class Delete final : public Step {
 public:
  explicit Delete(Arguments& arguments) : p_(arguments.number("p", 0.1, {0, 1})) {}
  void apply(std::vector<Word>& words, Random& random) const override {
    const std::size_t spared = random.below(static_cast<uint32_t>(words.size()));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < words.size(); ++i)
      if (!random.flip(p_) || i == spared) std::swap(words[kept++], words[i]);
    words.resize(kept);
  }

 private:
  double p_;
};

class Swap final : public Step {
 public:
  explicit Swap(Arguments& arguments) : p_(arguments.number("p", 0.1, {0, 1})) {}
  void apply(std::vector<Word>& words, Random& random) const override {
    for (std::size_t i = 0; i + 1 < words.size(); ++i)
      if (random.flip(p_)) std::swap(words[i], words[i + 1]);
  }

 private:
  double p_;
};

class Replace final : public Step {
 public:
  Replace(Arguments& arguments, std::shared_ptr<const WordTable> table)
      : p_(arguments.number("p", 0.1, {0, 1})), table_(std::move(table)) {}
  void apply(std::vector<Word>& words, Random& random) const override {
    for (Word& word : words)
      for (int32_t& id : word)
        if (random.flip(p_)) id = table_->draw(random);
  }

 private:
  double p_;
  std::shared_ptr<const WordTable> table_;
};

class Mask final : public Step {
 public:
  explicit Mask(Arguments& arguments)
      : p_(arguments.number("p", 0.15, {0, 1})), span_(arguments.integer("span", 3, 1, 100)) {}
  void apply(std::vector<Word>& words, Random& random) const override {
    const auto count = static_cast<int64_t>(words.size());
    int64_t left = std::llround(p_ * static_cast<double>(count));
    for (int64_t tries = 2 * count; left > 0 && tries > 0; --tries) {
      const int64_t length = std::min<int64_t>(left, 1 + random.below(static_cast<uint32_t>(span_)));
      const int64_t first = random.below(static_cast<uint32_t>(count));
      for (int64_t i = first; i < std::min(first + length, count); ++i) {
        Word& word = words[static_cast<std::size_t>(i)];
        if (word.front() == kMask) continue;
        std::fill(word.begin(), word.end(), kMask);
        --left;
      }
    }
  }

 private:
  double p_;
  int64_t span_;
};

class Crop final : public Step {
 public:
  explicit Crop(Arguments& arguments) : fraction_(arguments.range("fraction", {0.8, 0.8}, {0.01, 1})) {}
  void apply(std::vector<Word>& words, Random& random) const override {
    const auto count = static_cast<double>(words.size());
    const auto kept = static_cast<std::ptrdiff_t>(std::max(1.0, std::round(fraction_.draw(random) * count)));
    const auto room = static_cast<uint32_t>(static_cast<std::ptrdiff_t>(words.size()) - kept + 1);
    const auto first = static_cast<std::ptrdiff_t>(random.below(room));
    words.erase(words.begin() + first + kept, words.end());
    words.erase(words.begin(), words.begin() + first);
  }

 private:
  augment::Range fraction_;
};

std::unique_ptr<Step> make_step(Arguments& arguments, const std::shared_ptr<const WordTable>& table) {
  const std::string& name = arguments.step();
  if (name == "delete") return std::make_unique<Delete>(arguments);
  if (name == "swap") return std::make_unique<Swap>(arguments);
  if (name == "replace") return std::make_unique<Replace>(arguments, table);
  if (name == "mask") return std::make_unique<Mask>(arguments);
  if (name == "crop") return std::make_unique<Crop>(arguments);
  throw Error(ErrorKind::usage, "augment", "texts have no step '" + name + "'",
              suggestion(name, {"delete", "swap", "replace", "mask", "crop"}));
}

bool at_end(int32_t id) { return id == kFirst || id == kLast; }

Words split(std::span<const int32_t> ids, const WordTable& table) {
  Words text;
  std::size_t begin = 0, end = ids.size();
  while (begin < end && at_end(ids[begin])) text.before.push_back(ids[begin++]);
  while (end > begin && at_end(ids[end - 1])) --end;
  text.after.assign(ids.begin() + static_cast<std::ptrdiff_t>(end), ids.end());
  for (std::size_t i = begin; i < end; ++i) {
    if (i == begin || table.begins[static_cast<std::size_t>(ids[i])]) text.words.emplace_back();
    text.words.back().push_back(ids[i]);
  }
  return text;
}

class TextTransform final : public Transform {
 public:
  TextTransform(std::vector<std::unique_ptr<Step>> steps, std::shared_ptr<const WordTable> table)
      : steps_(std::move(steps)), table_(std::move(table)) {}

  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const override {
    const auto bytes = static_cast<std::size_t>(layout.bytes()), room = bytes / sizeof(int32_t);
    if (steps_.empty()) {
      std::memcpy(out, in, bytes);
      return;
    }
    std::vector<int32_t> ids(room);
    std::memcpy(ids.data(), in, bytes);
    ids.resize(static_cast<std::size_t>(std::find(ids.begin(), ids.end(), kPadding) - ids.begin()));
    Words text = split(ids, *table_);
    if (!text.words.empty())
      for (const auto& step : steps_) step->apply(text.words, random);
    ids = std::move(text.before);
    for (const Word& word : text.words) ids.insert(ids.end(), word.begin(), word.end());
    ids.insert(ids.end(), text.after.begin(), text.after.end());
    ids.resize(room, kPadding);  // no step makes a text longer
    std::memcpy(out, ids.data(), bytes);
  }

 private:
  std::vector<std::unique_ptr<Step>> steps_;
  std::shared_ptr<const WordTable> table_;
};

}  // namespace

int32_t WordTable::draw(Random& random) const {
  if (cumulative.empty())
    return kSpecialTokens + static_cast<int32_t>(random.below(static_cast<uint32_t>(begins.size() - kSpecialTokens)));
  const auto at = std::upper_bound(cumulative.begin(), cumulative.end(), random.uniform(0, 1));
  return static_cast<int32_t>(std::min<std::ptrdiff_t>(at - cumulative.begin(), std::ssize(cumulative) - 1));
}

std::unique_ptr<Transform> make_text_transform(const std::string& policy, std::shared_ptr<const WordTable> words) {
  std::vector<std::unique_ptr<Step>> steps;
  for (Arguments& arguments : augment::parse_policy(policy)) {
    steps.push_back(make_step(arguments, words));
    arguments.finish();
  }
  return std::make_unique<TextTransform>(std::move(steps), std::move(words));
}

}  // namespace fewlabel
