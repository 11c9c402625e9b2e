#include "modalities/text/tokenizer/train_bpe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <queue>
#include <utility>
#include <vector>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/hash_map.h"
#include "modalities/text/tokenizer/normal_forms.h"
#include "modalities/text/tokenizer/normalizers.h"
#include "modalities/text/tokenizer/reading.h"
#include "modalities/text/tokenizer/unicode.h"
#include "modalities/text/tokenizer/vocabulary.h"
#include "modalities/text/tokenizer/word_scanners.h"

namespace fewlabel {

using namespace tokenizing;

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSpecials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
constexpr int32_t kCls = 2, kSep = 3, kSpecialCount = 5;

std::string repaired(std::string text) {
  std::string result;
  while (true) {
    const std::size_t good = valid_until(text);
    if (good == text.size()) return result.empty() ? text : result + text;
    result.append(text, 0, good).append("\xEF\xBF\xBD");
    text.erase(0, good + 1);
  }
}

/// Every word of the texts and how often it was seen.
class WordCounts {
 public:
  void add(const std::string& text, const BpeTraining& training) {
    Text changed(text, 0, Track::nothing);
    if (training.lower_case) {
      normalize(changed, NormalForm::nfc);
      lower_case(changed);
    }
    if (training.prefix_space && !changed.view().starts_with(' ')) changed.prepend(" ");
    ends_.clear();
    scan_gpt2(changed.view(), ends_);
    uint32_t begin = 0;
    for (const uint32_t end : ends_) {
      count(changed.view().substr(begin, end - begin));
      begin = end;
    }
  }
  std::size_t size() const { return counts_.size(); }
  std::string_view word(std::size_t i) const { return words_.token(static_cast<int32_t>(i)); }
  int64_t count_of(std::size_t i) const { return counts_[i]; }

 private:
  void count(std::string_view word) {
    const auto known = words_.id(word);
    if (known) {
      ++counts_[static_cast<std::size_t>(*known)];
      return;
    }
    words_.add(word, static_cast<int32_t>(counts_.size()));
    counts_.push_back(1);
  }

  Vocabulary words_;
  std::vector<int64_t> counts_;
  std::vector<uint32_t> ends_;
};

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

struct Pending {
  int64_t count;
  uint64_t pair;
  std::vector<uint32_t> words;  // in which the pair appeared

  // The most frequent first; of those the smaller ids.
  bool operator<(const Pending& other) const { return count != other.count ? count < other.count : pair > other.pair; }
};

// The reference's trainer, step by step: it adds a pair's words to the queue at every merge that makes the pair anew,
// and recounts only what it takes from the queue. Simpler ways give other merges where texts repeat characters.
class Trainer {
 public:
  Trainer(const WordCounts& words, const BpeTraining& training) : counts_(words), training_(training) {
    for (const char* special : kSpecials) name(special);
    int32_t of_byte[256];
    for (char32_t c = 0; c < 512; ++c) {  // in the order of the characters that show the bytes
      const int byte = byte_of_character(c);
      if (byte < 0) continue;
      std::string shown;
      append_utf8(shown, c);
      of_byte[byte] = name(shown);
    }
    begins_.push_back(0);
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (const char c : words.word(i)) symbols_.push_back(of_byte[static_cast<uint8_t>(c)]);
      sizes_.push_back(static_cast<uint32_t>(words.word(i).size()));
      begins_.push_back(symbols_.size());
    }
  }

  void run() {
    for (uint32_t word = 0; word < sizes_.size(); ++word) {
      const int32_t* symbols = symbols_.data() + begins_[word];
      for (uint32_t i = 0; i + 1 < sizes_[word]; ++i)
        see(pair_key(symbols[i], symbols[i + 1]), counts_.count_of(word), word, true);
    }
    enqueue();
    while (static_cast<int32_t>(names_.size()) < training_.size && !queue_.empty()) {
      Pending top = std::move(const_cast<Pending&>(queue_.top()));  // moved from, then popped: nothing looks at it
      queue_.pop();
      const int64_t now = pair_counts_[top.pair];
      if (top.count != now) {
        top.count = now;
        queue_.push(std::move(top));
        continue;
      }
      if (now < 1 || now < training_.least_count) break;
      const auto left = static_cast<int32_t>(top.pair >> 32), right = static_cast<int32_t>(top.pair & 0xFFFFFFFF);
      const int32_t merged = name(names_[static_cast<std::size_t>(left)] + names_[static_cast<std::size_t>(right)]);
      merges_.emplace_back(left, right);
      for (const uint32_t word : top.words) merge(word, left, right, merged);
      enqueue();
    }
  }

  Json vocabulary() const {
    Json result = Json::object();
    // Not by operator[], which would compare with every name before.
    auto& members = result.get_ref<Json::object_t&>();
    for (std::size_t i = 0; i < names_.size(); ++i)
      static_cast<std::vector<Json::object_t::value_type>&>(members).emplace_back(names_[i], static_cast<int32_t>(i));
    return result;
  }
  Json merges() const {
    // Of a pair that was merged twice, the last time counts.
    KeyMap<std::size_t> last(merges_.size());
    for (std::size_t i = 0; i < merges_.size(); ++i) last[pair_key(merges_[i].first, merges_[i].second)] = i;
    Json result = Json::array();
    for (std::size_t i = 0; i < merges_.size(); ++i) {
      const auto [left, right] = merges_[i];
      if (*last.find(pair_key(left, right)) != i) continue;
      result.push_back({names_[static_cast<std::size_t>(left)], names_[static_cast<std::size_t>(right)]});
    }
    return result;
  }

 private:
  int32_t name(const std::string& token) {
    if (const auto known = ids_.id(token)) return *known;
    const auto id = static_cast<int32_t>(names_.size());
    ids_.add(token, id);
    names_.push_back(token);
    return id;
  }

  void see(uint64_t pair, int64_t change, uint32_t word, bool fresh) {
    pair_counts_[pair] += change;
    if (!fresh) return;
    auto& words = waiting_[pair];
    if (words.empty() || words.back() != word) words.push_back(word);
  }

  void enqueue() {
    waiting_.each([this](uint64_t pair, std::vector<uint32_t>& words) {
      const int64_t count = pair_counts_[pair];
      if (count > 0) queue_.push({count, pair, std::move(words)});
    });
    waiting_.clear();
  }

  void merge(uint32_t word, int32_t left, int32_t right, int32_t merged) {
    int32_t* symbols = symbols_.data() + begins_[word];
    const uint32_t size = sizes_[word];
    const int64_t count = counts_.count_of(word);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < size; ++i) {
      if (symbols[i] != left || i + 1 >= size || symbols[i + 1] != right) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        see(pair_key(symbols[kept - 1], left), -count, word, false);
        see(pair_key(symbols[kept - 1], merged), count, word, true);
      }
      symbols[kept++] = merged;
      ++i;
      if (i + 1 < size) {
        see(pair_key(right, symbols[i + 1]), -count, word, false);
        see(pair_key(merged, symbols[i + 1]), count, word, true);
      }
    }
    sizes_[word] = kept;
  }

  const WordCounts& counts_;
  const BpeTraining& training_;
  std::vector<std::string> names_;  // of tokens, by id
  Vocabulary ids_;
  std::vector<int32_t> symbols_;  // all words, as tokens
  std::vector<std::size_t> begins_;
  std::vector<uint32_t> sizes_;  // of words, in tokens
  KeyMap<int64_t> pair_counts_;
  KeyMap<std::vector<uint32_t>> waiting_;  // pairs that were made since the queue was filled
  std::priority_queue<Pending> queue_;
  std::vector<std::pair<int32_t, int32_t>> merges_;
};

Json special_token(const char* content, int32_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

Json piece(const char* kind, const char* id) { return {{kind, {{"id", id}, {"type_id", 0}}}}; }

Json file_of(const Trainer& trainer, const BpeTraining& training) {
  Json file = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", Json::array()}};
  for (int32_t i = 0; i < kSpecialCount; ++i) file["added_tokens"].push_back(special_token(kSpecials[i], i));
  file["normalizer"] = nullptr;
  if (training.lower_case)
    file["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Lowercase"}}}}};
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", training.prefix_space}, {"trim_offsets", true}, {"use_regex", true}};
  file["pre_tokenizer"] = byte_level;
  const auto special = [](const char* name, int32_t id) {
    return Json{{"id", name}, {"ids", Json::array({id})}, {"tokens", Json::array({name})}};
  };
  const Json single =
      Json::array({piece("SpecialToken", "[CLS]"), piece("Sequence", "A"), piece("SpecialToken", "[SEP]")});
  Json pair = single;
  pair.push_back(piece("Sequence", "B"));
  pair.push_back(piece("SpecialToken", "[SEP]"));
  const Json frame = {{"type", "TemplateProcessing"},
                      {"single", single},
                      {"pair", pair},
                      {"special_tokens", {{"[CLS]", special("[CLS]", kCls)}, {"[SEP]", special("[SEP]", kSep)}}}};
  file["post_processor"] = {{"type", "Sequence"}, {"processors", Json::array({byte_level, frame})}};
  file["decoder"] = byte_level;
  file["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", false}};
  file["model"]["vocab"] = trainer.vocabulary();
  file["model"]["merges"] = trainer.merges();
  return file;
}

}  // namespace

Tokenizer train_byte_bpe(const std::function<bool(std::string&)>& next, const BpeTraining& training) {
  if (training.size < kSpecialCount + 256 || training.size > kMostIds)
    throw Error(ErrorKind::usage, "tokenizer",
                fmt::format("a vocabulary of {} tokens was asked for; from {} to {} can be learnt", training.size,
                            kSpecialCount + 256, kMostIds),
                "a few thousand suit most texts");
  WordCounts words;
  std::string text;
  while (next(text)) words.add(repaired(std::move(text)), training);
  Trainer trainer(words, training);
  trainer.run();
  return Tokenizer::parse(file_of(trainer, training).dump(), "a vocabulary that was learnt");
}

Tokenizer train_byte_bpe(std::span<const std::string> texts, const BpeTraining& training) {
  std::size_t at = 0;
  return train_byte_bpe(
      [&](std::string& text) {
        if (at == texts.size()) return false;
        text = texts[at++];
        return true;
      },
      training);
}

}  // namespace fewlabel
