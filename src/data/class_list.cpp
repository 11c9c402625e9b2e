#include "data/class_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/config.h"
#include "fewlabel/dataset.h"

namespace fewlabel {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

std::string_view digits_at(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  while (at < text.size() && digit(text[at])) ++at;
  return text.substr(start, at - start);
}

std::optional<int32_t> parse_index(const std::string& text) {
  int32_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return {};
  return number;
}

/// Names of classes go into JSON files, which hold UTF-8 alone.
void check_name(const std::string& name, const std::string& where) {
  if (const std::string shown = escape_bytes(name); shown != name)
    throw_data(escape_bytes(where), fmt::format("the name of class '{}' is not UTF-8 text", shown),
               "rename the class in UTF-8");
}

void check_list(const std::vector<std::string>& classes, const std::string& where) {
  std::set<std::string_view> seen;
  for (const auto& name : classes) {
    check_name(name, where);
    if (name.empty()) throw_data(where, "the list of classes holds an empty name");
    if (!seen.insert(name).second) throw_data(where, fmt::format("class '{}' is listed twice", name));
  }
}

std::string shortened(const std::vector<std::string>& names) {
  if (names.size() <= 12) return join(names, ", ");
  return fmt::format("{}, … ({} in all)", join({names.begin(), names.begin() + 12}, ", "), names.size());
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      std::string_view x = digits_at(a, i), y = digits_at(b, j);
      x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
      y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
      if (x.size() != y.size()) return x.size() < y.size();
      if (const int order = x.compare(y); order != 0) return order < 0;
    } else {
      const auto x = static_cast<unsigned char>(a[i++]), y = static_cast<unsigned char>(b[j++]);
      if (x != y) return x < y;
    }
  }
  if ((i < a.size()) != (j < b.size())) return j < b.size();
  return a < b;  // equal but for leading zeros
}

std::vector<std::string> parse_classes(const std::string& text) {
  std::vector<std::string> classes;
  if (trim(text).empty()) return classes;
  for (const auto& part : split_text(text, ',')) classes.push_back(trim(part));
  check_list(classes, "classes");
  return classes;
}

std::vector<std::string> read_class_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  const Bytes bytes = read_bytes(path, 16 << 20);
  std::vector<std::string> classes;
  for (const auto& line : split_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, '\n'))
    if (auto name = trim(line); !name.empty()) classes.push_back(std::move(name));
  check_list(classes, path);
  return classes;
}

std::vector<std::string> class_folders(const std::vector<std::string>& classes) {
  std::vector<std::string> folders;
  // What needs no change keeps its name, whoever comes first.
  std::set<std::string> taken(classes.begin(), classes.end());
  for (const std::string& name : classes) {
    std::string folder = name;
    for (char& c : folder)
      if (c == '/' || static_cast<unsigned char>(c) < 0x20) c = '-';
    if (folder.empty() || folder[0] == '.') folder.insert(0, 1, '_');
    while (folder != name && !taken.insert(folder).second) folder += '_';
    folders.push_back(folder);
  }
  return folders;
}

int32_t LabelTexts::add(const std::string& text, const std::string& file, int64_t line) {
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  return add(text, fmt::format("{}, line {}", file, line));  // written only where it is new: there may be millions
}

int32_t LabelTexts::add(const std::string& text, const std::string& where) {
  if (text.empty()) return kUnlabeled;
  const auto [place, fresh] = ids_.try_emplace(text, static_cast<int32_t>(texts_.size()));
  if (fresh) {
    texts_.push_back(text);
    where_.push_back(where);
  }
  return place->second;
}

ClassMap map_classes(const LabelTexts& labels, const std::vector<std::string>& wanted, NumberLabels numbers) {
  for (std::size_t id = 0; id < labels.texts().size(); ++id)
    check_name(labels.texts()[id], labels.first_seen(static_cast<int32_t>(id)));
  ClassMap map{wanted, {}};
  if (wanted.empty()) {
    map.classes = labels.texts();
    std::sort(map.classes.begin(), map.classes.end(), natural_less);
  }
  const bool indices =
      numbers == NumberLabels::may_be_indices && std::none_of(map.classes.begin(), map.classes.end(), parse_index);
  std::unordered_map<std::string_view, int32_t> place;
  for (const auto& name : map.classes) place.emplace(name, static_cast<int32_t>(place.size()));
  for (std::size_t id = 0; id < labels.texts().size(); ++id) {
    const std::string& text = labels.texts()[id];
    if (const auto found = place.find(text); found != place.end()) {
      map.index.push_back(found->second);
      continue;
    }
    const auto number = parse_index(text);
    if (!indices || !number || *number >= static_cast<int32_t>(map.classes.size()))
      throw_data(labels.first_seen(static_cast<int32_t>(id)),
                 fmt::format("label '{}' is not in the list of classes: {}", text, shortened(map.classes)),
                 suggestion(text, map.classes));
    map.index.push_back(*number);
  }
  return map;
}

std::vector<std::string> number_classes(const std::vector<std::vector<int32_t>*>& labels,
                                        const std::vector<std::string>& wanted, const std::string& where) {
  std::map<int32_t, int32_t> place;  // of each number that occurs
  for (const auto* split : labels)
    for (const int32_t label : *split)
      if (label >= 0) place.emplace(label, 0);
  std::map<int32_t, int32_t> listed;
  for (const std::string& name : wanted)
    if (const auto number = parse_index(name)) listed.emplace(*number, static_cast<int32_t>(listed.size()));
  const bool by_number = !wanted.empty() && listed.size() == wanted.size();
  std::vector<std::string> classes = wanted;
  for (auto& [number, index] : place) {
    if (wanted.empty()) {
      index = static_cast<int32_t>(classes.size());
      classes.push_back(std::to_string(number));
    } else if (by_number ? !listed.contains(number) : number >= static_cast<int32_t>(wanted.size())) {
      const bool from_one = !by_number && !place.contains(0) && number == static_cast<int32_t>(wanted.size());
      throw_data(where,
                 fmt::format("label {} is not in the list of {} classes: {}", number, wanted.size(), shortened(wanted)),
                 from_one ? "a list counts from 0; without it labels from 1 are classes of these names" : "");
    } else {
      index = by_number ? listed.at(number) : number;
    }
  }
  for (auto* split : labels)
    for (int32_t& label : *split)
      if (label >= 0) label = place.at(label);
  return classes;
}

}  // namespace fewlabel
