#include "modalities/table/modality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/policy.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// The one view of a row: itself.
class Same final : public Transform {
 public:
  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& /*random*/) const override {
    std::memcpy(out, in, static_cast<std::size_t>(layout.bytes()));
  }
};

class TableModality final : public Modality {
 public:
  Kind kind() const override { return Kind::table; }

  Layout own_layout(const std::string&, const Raw& head) const override {
    check(head.layout);
    return head.layout;
  }

  Layout guess(const Source& source, int64_t) const override {
    if (source.size() == 0) throw_data("data", "there is no example");
    return own_layout(source.name(0), source.head(0));
  }

  void check(const Layout& layout) const override {
    if (layout.kind != Kind::table || layout.type != Layout::Type::f32 || layout.sizes.size() != 1 ||
        layout.sizes[0] < 1)
      throw Error(ErrorKind::usage, "data", "rows need a layout of at least one column of numbers");
  }

  void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const override {
    if (raw.layout != layout || static_cast<int64_t>(raw.bytes.size()) != layout.bytes())
      throw_data(where, fmt::format("has {} numbers; wanted {}", raw.bytes.size() / sizeof(float), layout.values()));
    std::memcpy(out, raw.bytes.data(), raw.bytes.size());
    for (int64_t c = 0; c < layout.values(); ++c)
      if (const float value = at(out, c); !std::isfinite(value))
        throw_data(where, fmt::format("number {} is {}", c + 1, std::isnan(value) ? "missing" : "infinite"),
                   "fill it in, or leave the row or the column out");
  }

  std::string format(const Raw&) const override { return "numbers"; }
  std::unique_ptr<Transform> transform(const std::string& policy) const override {
    if (!augment::parse_policy(policy).empty())
      throw Error(ErrorKind::usage, "augment", fmt::format("'{}': a row of numbers has no views but none", policy));
    return std::make_unique<Same>();
  }
  ViewPolicies policies(const Layout&) const override { return {"none", "none", "none"}; }

  Normalization measure(const ExampleStore& store, const std::vector<int64_t>& indices, int64_t sample) const override {
    const auto columns = static_cast<std::size_t>(store.layout().values());
    const auto total = static_cast<int64_t>(indices.size()), wanted = std::min(sample, total);
    std::vector<double> mean(columns), square(columns);  // Welford: columns may lie far from 0
    std::vector<uint8_t> row(columns * sizeof(float));
    int64_t count = 0;
    Work work("measuring columns", wanted);
    for (int64_t i = 0; i < wanted; ++i) {
      work.advance();
      if (!store.try_fetch(indices[static_cast<std::size_t>(i * total / wanted)], row.data())) continue;
      ++count;
      for (std::size_t c = 0; c < columns; ++c) {
        const double value = at(row.data(), static_cast<int64_t>(c)), delta = value - mean[c];
        mean[c] += delta / static_cast<double>(count);
        square[c] += delta * (value - mean[c]);
      }
    }
    Normalization rule{store.layout(), {}, {}};
    for (std::size_t c = 0; c < columns; ++c) {
      const double deviation = std::sqrt(square[c] / static_cast<double>(std::max<int64_t>(count, 1)));
      rule.mean.push_back(static_cast<float>(mean[c]));
      // A column that never changes says nothing, however it is scaled.
      rule.deviation.push_back(deviation > 0 ? static_cast<float>(deviation) : 1.0f);
    }
    return rule;
  }

  Json show(const Exhibited& example, int32_t most) const override {
    const Layout& layout = example.store.layout();
    std::vector<uint8_t> row(static_cast<std::size_t>(layout.bytes()));
    example.store.fetch(example.index, row.data());
    std::string text;
    for (int64_t c = 0; c < layout.values(); ++c) {
      if (most > 0 && c >= most) return {{"kind", "text"}, {"text", text + " …"}};
      text += fmt::format("{}{:g}", c == 0 ? "" : " ", at(row.data(), c));
    }
    return {{"kind", "text"}, {"text", text}};
  }
  std::string fingerprint() const override { return "rows1"; }

 private:
  static float at(const uint8_t* row, int64_t column) {
    float value = 0;
    std::memcpy(&value, row + column * 4, sizeof(value));
    return value;
  }
};

}  // namespace

std::unique_ptr<Modality> make_table_modality() { return std::make_unique<TableModality>(); }

}  // namespace fewlabel
