#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/dataset.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

using Pools = std::vector<std::vector<int64_t>>;  // labelled examples by class

Pools labeled_by_class(const Source& source) {
  Pools pools(source.classes().size());
  for (int64_t i = 0; i < source.size(); ++i)
    if (const int32_t label = source.label(i); label >= 0) pools[static_cast<std::size_t>(label)].push_back(i);
  return pools;
}

void need_label_in_each(const Pools& pools, const Source& source, const std::string& where) {
  if (pools.empty())
    throw_data(where, "no example has a label", "label a few examples of each class; see docs/data.md");
  std::vector<std::string> without;
  for (std::size_t c = 0; c < pools.size(); ++c)
    if (pools[c].empty()) without.push_back("'" + source.classes()[c] + "'");
  if (without.size() == 1)
    throw_data(where, fmt::format("class {} has no labelled example", without[0]),
               "label at least one example of it, or leave the class out");
  if (!without.empty()) {
    const auto shown = std::min<std::size_t>(without.size(), 8);
    throw_data(where,
               fmt::format("{} classes have no labelled example: {}{}", without.size(),
                           join({without.begin(), without.begin() + static_cast<std::ptrdiff_t>(shown)}, ", "),
                           shown < without.size() ? ", …" : ""),
               "label at least one example of each, or leave these classes out");
  }
}

std::vector<int64_t> draw(const Pools& pools, const Source& source, const SplitSpec& spec) {
  const int64_t wanted = *spec.labels, classes = static_cast<int64_t>(pools.size());
  int64_t available = 0, smallest = INT64_MAX;
  for (const auto& pool : pools) {
    available += static_cast<int64_t>(pool.size());
    smallest = std::min(smallest, static_cast<int64_t>(pool.size()));
  }
  if (wanted > available)
    throw_data(to_string(spec),
               fmt::format("{} labels are asked for, but only {} examples have one", with_commas(wanted),
                           with_commas(available)),
               fmt::format("ask for at most {}, or leave @{} out to keep every label", smallest * classes, wanted));
  if (wanted < classes)
    throw_data(to_string(spec),
               fmt::format("{} labels for {} classes would leave a class without a label", wanted, classes),
               fmt::format("ask for at least {}", classes));
  const auto seed = static_cast<uint64_t>(spec.seed);
  const auto order = permutation({.seed = seed, .purpose = "split"}, classes);
  std::vector<int64_t> chosen;
  for (int64_t rank = 0; rank < classes; ++rank) {
    const int64_t c = order[static_cast<std::size_t>(rank)];
    const auto& pool = pools[static_cast<std::size_t>(c)];
    const int64_t share = wanted / classes + (rank < wanted % classes ? 1 : 0),
                  size = static_cast<int64_t>(pool.size());
    if (share > size)
      throw_data(to_string(spec),
                 fmt::format("{} labels, the same number of each class, need {} of class '{}', which has {}", wanted,
                             share, source.classes()[static_cast<std::size_t>(c)], size),
                 fmt::format("ask for at most {}, or leave @{} out to keep every label", smallest * classes, wanted));
    const auto picks = permutation({.seed = seed, .purpose = "split", .index = static_cast<uint64_t>(c) + 1}, size);
    for (int64_t k = 0; k < share; ++k)
      chosen.push_back(pool[static_cast<std::size_t>(picks[static_cast<std::size_t>(k)])]);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<int64_t> from_file(const Source& source, const std::string& path) {
  const Bytes bytes = read_bytes(path, int64_t{1} << 30);
  std::unordered_map<std::string, int64_t> lines;  // wanted name → line number
  std::vector<int64_t> chosen;
  int64_t number = 0;
  for (const auto& raw : split_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, '\n')) {
    ++number;
    std::string line = trim(raw);
    if (line.empty()) continue;
    const auto [first, fresh] = lines.try_emplace(std::move(line), number);
    if (!fresh && !first->first.starts_with('#'))
      throw_data(path,
                 fmt::format("line {}: '{}' is listed twice, first in line {}", number, first->first, first->second));
  }
  for (int64_t i = 0; i < source.size(); ++i) {
    const std::string name = source.name(i);
    auto found = lines.find(name);
    if (found == lines.end()) found = lines.find(line_of_name(name));
    if (found == lines.end()) continue;
    chosen.push_back(i);
    lines.erase(found);
  }
  for (const auto& [line, at] : lines) {  // what no name matched must be a comment or an index
    if (line.starts_with('#')) continue;
    int64_t index = -1;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    if (error != std::errc() || end != line.data() + line.size() || index < 0 || index >= source.size())
      throw_data(path, fmt::format("line {}: '{}' names no example", at, line),
                 fmt::format("wanted a name such as {} or an index below {}", source.size() > 0 ? source.name(0) : "",
                             source.size()));
    chosen.push_back(index);
  }
  std::sort(chosen.begin(), chosen.end());
  if (const auto twice = std::adjacent_find(chosen.begin(), chosen.end()); twice != chosen.end())
    throw_data(path, fmt::format("example {} is listed twice, by name and by index", *twice));
  if (chosen.empty()) throw_data(path, "lists no example");
  for (const int64_t index : chosen)
    if (source.label(index) < 0)
      throw_data(path, fmt::format("example {} is listed but has no label in the data", source.name(index)));
  return chosen;
}

}  // namespace

std::string line_of_name(const std::string& name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  const bool plain = name == trim(name) && !name.starts_with('"') && std::none_of(name.begin(), name.end(), is_control);
  if (plain) return name;
  std::string line = "\"";
  for (const char c : name) {
    if (is_control(c))
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      line += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  }
  return line + "\"";
}

std::vector<int64_t> choose_labeled(const Source& source, const SplitSpec& spec) {
  if (!spec.labels_file.empty()) {
    auto chosen = from_file(source, spec.labels_file);
    Pools pools(source.classes().size());
    for (const int64_t index : chosen) pools[static_cast<std::size_t>(source.label(index))].push_back(index);
    need_label_in_each(pools, source, spec.labels_file);
    return chosen;
  }
  const Pools pools = labeled_by_class(source);
  need_label_in_each(pools, source, to_string(spec));
  if (spec.labels) return draw(pools, source, spec);
  std::vector<int64_t> all;
  for (const auto& pool : pools) all.insert(all.end(), pool.begin(), pool.end());
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace fewlabel
