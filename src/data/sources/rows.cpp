#include "data/sources/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/hash.h"
#include "core/text.h"
#include "data/sources/encoding.h"

namespace fewlabel {
namespace {

template <typename Rows>
class RowSource : public Source, public Gathered, public Fingerprinted, public Faulty {
 public:
  RowSource(Rows rows, std::vector<std::string> classes) : rows_(std::move(rows)), classes_(std::move(classes)) {}
  int64_t size() const override { return rows_.size(); }
  std::string name(int64_t index) const override { return rows_.name(index); }
  int32_t label(int64_t index) const override { return rows_.labels[static_cast<std::size_t>(index)]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t left_out() const override { return rows_.left_out; }
  bool faulty(int64_t index) const override { return rows_.faults.contains(index); }

 protected:
  void refuse_fault(int64_t index) const {
    if (const auto fault = rows_.faults.find(index); fault != rows_.faults.end())
      throw_data(name(index), fault->second);
  }
  void add_faults(Hasher& hasher) const {
    for (const auto& [index, reason] : rows_.faults) hasher.add(&index, sizeof(index));
  }

  Rows rows_;
  std::vector<std::string> classes_;
};

class TextSource final : public RowSource<TextRows> {
 public:
  using RowSource::RowSource;
  Kind kind() const override { return Kind::text; }
  Raw raw(int64_t index) const override {
    refuse_fault(index);
    const std::string_view text = rows_.texts[index];
    return {{text.begin(), text.end()}};
  }
  std::string fingerprint() const override {
    Hasher hasher;
    for (int64_t i = 0; i < size(); ++i) {
      const std::string_view text = rows_.texts[i];
      const uint64_t bytes = text.size();
      hasher.add(&bytes, sizeof(bytes));
      hasher.add(text.data(), text.size());
    }
    add_faults(hasher);
    return hasher.hex();
  }
};

class NumberSource final : public RowSource<NumberRows> {
 public:
  using RowSource::RowSource;
  Kind kind() const override { return Kind::table; }
  Raw raw(int64_t index) const override {
    refuse_fault(index);
    Raw row = head(index);
    row.bytes.resize(static_cast<std::size_t>(row.size));
    std::memcpy(row.bytes.data(), rows_.values.data() + index * rows_.columns, row.bytes.size());
    return row;
  }
  Raw head(int64_t) const override {
    const Layout layout{Kind::table, Layout::Type::f32, {rows_.columns}};
    return {{}, layout, layout.bytes()};
  }
  std::string fingerprint() const override {
    Hasher hasher;
    hasher.add(rows_.values.data(), rows_.values.size() * sizeof(float));
    add_faults(hasher);
    return hasher.hex();
  }
};

}  // namespace

void RowPlaces::add(int32_t label, int64_t line, std::string fault) {
  if (!fault.empty()) faults.emplace(size(), std::move(fault));
  labels.push_back(label);
  lines.push_back(static_cast<uint32_t>(line));
}

std::string RowPlaces::name(int64_t index) const {
  const auto after =
      std::upper_bound(files.begin(), files.end(), index, [](int64_t i, const auto& file) { return i < file.second; });
  return fmt::format("{}:{}", std::prev(after)->first, lines[static_cast<std::size_t>(index)]);
}

void TextRows::add(std::string_view text, int32_t label, int64_t line, std::string fault) {
  if (fault.empty() && text.size() > kLongestText)
    fault = fmt::format("is longer than {} MiB, the most that is taken for one text", kLongestText >> 20);
  texts.add(fault.empty() ? text : std::string_view());
  RowPlaces::add(label, line, std::move(fault));
}

std::shared_ptr<const Source> make_text_source(TextRows rows, std::vector<std::string> classes) {
  return std::make_shared<TextSource>(std::move(rows), std::move(classes));
}

std::shared_ptr<const Source> make_number_source(NumberRows rows, std::vector<std::string> classes) {
  return std::make_shared<NumberSource>(std::move(rows), std::move(classes));
}

}  // namespace fewlabel
