#include "modalities/text/plain.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"
#include "modalities/text/views.h"

namespace fewlabel {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Calls `use` with each word.
template <typename Use>
void each_word(std::string_view text, Use&& use) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    while (at < text.size() && !is_space(text[at])) ++at;
    if (at > start) use(text.substr(start, at - start));
    if (at < text.size()) ++at;
  }
}

class PlainText final : public Modality {
 public:
  Kind kind() const override { return Kind::text; }

  Layout own_layout(const std::string& where, const Raw& head) const override {
    int32_t words = 0;
    each_word(text_of(where, head), [&](std::string_view) { ++words; });
    return {Kind::text, Layout::Type::i32, {words}, 0};
  }

  Layout guess(const Source& source, int64_t sample) const override { return usual_text_layout(*this, source, sample); }

  void check(const Layout& layout) const override {
    if (layout.kind != Kind::text || layout.sizes.size() != 1 || layout.sizes[0] < 1)
      throw Error(ErrorKind::usage, "data", "texts need a layout of at least one token");
  }

  void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const override {
    const std::string_view text = text_of(where, raw);
    std::memset(out, 0, static_cast<std::size_t>(layout.bytes()));
    const auto room = static_cast<std::size_t>(layout.sizes[0]);
    std::size_t at = 0;
    each_word(text, [&](std::string_view word) {
      if (at >= room) return;
      const auto id = static_cast<int32_t>(XXH3_64bits(word.data(), word.size()) % 0x7fffffff) + 1;
      std::memcpy(out + 4 * at++, &id, sizeof(id));
    });
  }

  std::string format(const Raw&) const override { return "text"; }
  std::unique_ptr<Transform> transform(const std::string& policy) const override {
    throw Error(ErrorKind::usage, "augment", fmt::format("'{}': texts have no views yet", policy));
  }
  ViewPolicies policies(const Layout&) const override { return text_policies(); }
  Normalization measure(const ExampleStore& store, const std::vector<int64_t>&, int64_t) const override {
    return {store.layout(), {}, {}};
  }
  Json show(const Exhibited& example, int32_t /*most*/) const override {
    const Raw raw = example.source.raw(example.index);
    return {{"kind", "text"}, {"text", text_of(example.source.name(example.index), raw)}};
  }
  std::string fingerprint() const override { return "words1"; }
};

}  // namespace

std::string_view text_of(const std::string& where, const Raw& raw) {
  const std::string_view text(reinterpret_cast<const char*>(raw.bytes.data()), raw.bytes.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (text[at] == '\0') throw_data(where, fmt::format("holds a NUL at byte {}", at));
    if (length == 0)
      throw_data(where, fmt::format("is not UTF-8 text at byte {}", at),
                 "save it as UTF-8, or say how it is written: data.encoding=latin-1");
    at += length;
  }
  if (std::all_of(text.begin(), text.end(), is_space)) throw_data(where, "is empty");
  return text;
}

Layout usual_text_layout(const Modality& modality, const Source& source, int64_t sample) {
  const int64_t count = std::min(source.size(), std::max<int64_t>(sample, 1));
  std::vector<Layout> layouts;
  std::string reason;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t index = k * source.size() / count;
    try {
      layouts.push_back(modality.own_layout(source.name(index), source.raw(index)));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      if (reason.empty()) reason = error.where() + ": " + error.message();
    }
  }
  if (layouts.empty())
    throw_data("data", source.size() == 0 ? "there is no example" : "no text can be read; the first: " + reason);
  std::sort(layouts.begin(), layouts.end(), [](const Layout& a, const Layout& b) { return a.sizes < b.sizes; });
  return layouts[layouts.size() * 95 / 100];
}

std::unique_ptr<Modality> make_plain_text_modality() { return std::make_unique<PlainText>(); }

}  // namespace fewlabel
