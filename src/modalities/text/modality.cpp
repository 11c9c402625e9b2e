#include "modalities/text/modality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "core/files.h"
#include "core/hash.h"
#include "core/text.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"
#include "modalities/modalities.h"
#include "modalities/text/plain.h"
#include "modalities/text/tokenizer/train_bpe.h"
#include "modalities/text/views.h"

namespace fewlabel {
namespace {

constexpr int64_t kTaught = 20 << 20;      // bytes of text that a vocabulary is learnt from
constexpr int64_t kCountedTexts = 20'000;  // whose tokens are counted
constexpr int64_t kSketch = 256;           // places that pairs of tokens are hashed to

/// The ids of a tokenizer in our order.
struct Order {
  std::vector<int32_t> ours;    // of each of its ids
  std::vector<int32_t> theirs;  // of each of ours; -1 for a special token that it lacks
};

Order order_of(const Tokenizer& tokenizer) {
  const std::optional<int32_t> special[] = {tokenizer.padding(), tokenizer.unknown(), tokenizer.cls(), tokenizer.sep(),
                                            tokenizer.mask()};
  Order order{std::vector<int32_t>(static_cast<std::size_t>(tokenizer.size()), -1),
              std::vector<int32_t>(kSpecialTokens, -1)};
  for (std::size_t k = 0; k < std::size(special); ++k) {
    if (!special[k]) continue;
    int32_t& place = order.ours.at(static_cast<std::size_t>(*special[k]));
    if (place >= 0) continue;  // one token with two tasks
    place = static_cast<int32_t>(k);
    order.theirs[k] = *special[k];
  }
  for (std::size_t id = 0; id < order.ours.size(); ++id) {
    if (order.ours[id] >= 0) continue;
    order.ours[id] = static_cast<int32_t>(order.theirs.size());
    order.theirs.push_back(static_cast<int32_t>(id));
  }
  return order;
}

/// Whether a token is the beginning of a word, by the marks that the common vocabularies use: a space before it in
/// byte-level and sentencepiece ones, no "##" in WordPiece.
bool begins_word(std::string_view token, bool marks_beginnings) {
  if (token.starts_with("Ġ") || token.starts_with("▁") || token.starts_with(" ")) return true;
  return !marks_beginnings && !token.starts_with("##");
}

WordTable table_of(const Tokenizer& tokenizer, const Order& order, const std::vector<int64_t>& counts) {
  WordTable table;
  table.begins.assign(order.theirs.size(), 0);
  bool marks = false;
  for (int32_t id = 0; id < tokenizer.size() && !marks; ++id) {
    const std::string token = tokenizer.token(id);
    marks = token.size() > 3 && (token.starts_with("Ġ") || token.starts_with("▁"));
  }
  for (std::size_t k = 0; k < order.theirs.size(); ++k)
    table.begins[k] = order.theirs[k] < 0 || k < kSpecialTokens || begins_word(tokenizer.token(order.theirs[k]), marks);
  if (counts.empty()) return table;
  double sum = 0;
  for (std::size_t k = 0; k < order.theirs.size(); ++k) {
    const auto id = static_cast<std::size_t>(std::max(order.theirs[k], 0));
    sum += k < kSpecialTokens ? 0.0 : static_cast<double>(counts.at(id));
    table.cumulative.push_back(sum);
  }
  for (double& share : table.cumulative) share /= std::max(sum, 1.0);
  if (sum == 0) table.cumulative.clear();
  return table;
}

class TextModality final : public Modality {
 public:
  TextModality(Tokenizer tokenizer, const std::vector<int64_t>& counts)
      : tokenizer_(std::move(tokenizer)),
        order_(order_of(tokenizer_)),
        words_(std::make_shared<const WordTable>(table_of(tokenizer_, order_, counts))),
        fingerprint_(hash_bytes(tokenizer_.json().data(), tokenizer_.json().size())) {}

  Kind kind() const override { return Kind::text; }

  Layout own_layout(const std::string& where, const Raw& head) const override {
    return layout(static_cast<int64_t>(ids_of(where, head).size()));
  }

  Layout guess(const Source& source, int64_t sample) const override {
    constexpr int64_t kEnough = 2000;  // texts are short, and their lengths differ more than sizes of images do
    return usual_text_layout(*this, source, std::max(sample, kEnough));
  }

  void check(const Layout& layout) const override {
    if (layout.kind != Kind::text || layout.sizes.size() != 1 || layout.sizes[0] < 1 ||
        layout.vocabulary != static_cast<int32_t>(order_.theirs.size()))
      throw Error(ErrorKind::usage, "data", "texts of this vocabulary cannot be brought into such a layout");
  }

  /// What is longer loses its end, but for the token behind a text.
  void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const override {
    std::vector<int32_t> ids = ids_of(where, raw);
    const auto room = static_cast<std::size_t>(layout.sizes[0]);
    if (ids.size() > room && room > 0 && ids.back() == kLast) ids[room - 1] = kLast;
    ids.resize(room, kPadding);
    std::memcpy(out, ids.data(), room * sizeof(int32_t));
  }

  std::string format(const Raw& /*raw*/) const override { return "text"; }

  std::unique_ptr<Transform> transform(const std::string& policy) const override {
    return make_text_transform(policy, words_);
  }
  ViewPolicies policies(const Layout& /*layout*/) const override { return text_policies(); }

  Normalization measure(const ExampleStore& store, const std::vector<int64_t>& /*indices*/,
                        int64_t /*sample*/) const override {
    return {store.layout(), {}, {}};
  }

  Json show(const Exhibited& example, int32_t most) const override {
    std::string text;
    try {
      text = text_of(example.source.name(example.index), example.source.raw(example.index));
    } catch (const Error& error) {
      text = error.message();
    }
    Json shown = {{"kind", "text"}};
    if (!example.weights.empty()) shown["marks"] = marks(text, example.weights);
    const std::size_t limit = 4 * static_cast<std::size_t>(most);
    if (most > 0 && text.size() > limit) {
      std::size_t end = limit;
      while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
      text = text.substr(0, end) + "…";
    }
    shown["text"] = text;
    return shown;
  }

  /// Pairs of neighbouring tokens, hashed and counted.
  Likeness likeness() const override { return {kSketch, 0.9, std::numeric_limits<double>::max(), 0}; }
  void sketch(const uint8_t* example, const Layout& layout, float* out) const override {
    std::fill_n(out, kSketch, 0.0F);
    uint64_t before = 0;
    for (int32_t t = 0; t < layout.sizes[0]; ++t) {
      int32_t id = 0;
      std::memcpy(&id, example + 4 * t, sizeof id);
      if (id == kPadding) break;
      const uint64_t pair = (before << 32 | static_cast<uint32_t>(id)) * 0x9e3779b97f4a7c15;
      out[pair >> 56] += 1;
      before = static_cast<uint64_t>(id);
    }
  }

  std::string fingerprint() const override { return fingerprint_; }
  void write(const std::filesystem::path& folder) const override {
    write_file(folder / kTokenizerFile, tokenizer_.json(), Durability::atomic);
  }

 private:
  Layout layout(int64_t tokens) const {
    return {Kind::text,
            Layout::Type::i32,
            {static_cast<int32_t>(std::max<int64_t>(tokens, 1))},
            static_cast<int32_t>(order_.theirs.size())};
  }

  /// Where in the text each weighed token stands.
  Json marks(const std::string& text, const std::vector<float>& weights) const {
    const std::vector<Token> tokens = tokenizer_.encode(text);
    Json list = Json::array();
    for (std::size_t t = 0; t < std::min(tokens.size(), weights.size()); ++t)
      if (tokens[t].end > tokens[t].begin) list.push_back({tokens[t].begin, tokens[t].end, weights[t]});
    return list;
  }

  std::vector<int32_t> ids_of(const std::string& where, const Raw& raw) const {
    std::vector<int32_t> ids = tokenizer_.ids(text_of(where, raw));
    for (int32_t& id : ids) id = order_.ours[static_cast<std::size_t>(id)];
    // A tokenizer may give padding for what it does not know; inside a text that would be its end.
    std::replace(ids.begin(), ids.end(), kPadding, kUnknown);
    if (std::all_of(ids.begin(), ids.end(), [](int32_t id) { return id == kFirst || id == kLast; }))
      throw_data(where, "holds nothing that the tokenizer keeps");
    return ids;
  }

  Tokenizer tokenizer_;
  Order order_;
  std::shared_ptr<const WordTable> words_;
  std::string fingerprint_;
};

}  // namespace

std::vector<int32_t> token_order(const Tokenizer& tokenizer) { return order_of(tokenizer).theirs; }

std::unique_ptr<Modality> make_text_modality(Tokenizer tokenizer, const std::vector<int64_t>& counts) {
  return std::make_unique<TextModality>(std::move(tokenizer), counts);
}

void each_text(const Source& source, const std::vector<int64_t>& indices, int64_t most,
               const std::function<void(const std::string&)>& use) {
  const auto total = static_cast<int64_t>(indices.size());
  const int64_t count = std::min(most, total);
  Work work("reading texts", count);
  for (int64_t k = 0; k < count; ++k) {
    work.advance();
    const int64_t index = indices[static_cast<std::size_t>(k * total / count)];
    std::string text;
    try {
      text = text_of(source.name(index), source.raw(index));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      continue;
    }
    use(text);
  }
}

Tokenizer train_tokenizer(const Source& source, const std::vector<int64_t>& indices, int64_t vocabulary, bool cased) {
  // As many evenly spaced texts as make up the bytes, judged by a few of them.
  int64_t bytes = 0, seen = 0;
  each_text(source, indices, 1000, [&](const std::string& text) {
    bytes += static_cast<int64_t>(text.size());
    ++seen;
  });
  const int64_t most = seen == 0 ? 0 : std::max<int64_t>(seen, kTaught * seen / std::max<int64_t>(bytes, 1));
  std::vector<std::string> texts;
  each_text(source, indices, most, [&](const std::string& text) { texts.push_back(text); });
  if (texts.empty()) throw_data("data", "no text can be read to learn a vocabulary from");
  return train_byte_bpe(texts, {.size = static_cast<int32_t>(vocabulary), .lower_case = !cased});
}

std::vector<int64_t> count_tokens(const Tokenizer& tokenizer, const Source& source,
                                  const std::vector<int64_t>& indices) {
  std::vector<int64_t> counts(static_cast<std::size_t>(tokenizer.size()));
  each_text(source, indices, kCountedTexts, [&](const std::string& text) {
    for (const int32_t id : tokenizer.ids(text, false)) ++counts[static_cast<std::size_t>(id)];
  });
  return counts;
}

}  // namespace fewlabel
