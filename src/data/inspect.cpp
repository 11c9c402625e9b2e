#include "data/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <thread>
#include <unordered_map>

#include "core/hash.h"
#include "core/text.h"
#include "core/work.h"
#include "data/parallel.h"
#include "data/sources/sources.h"
#include "fewlabel/error.h"
#include "fewlabel/modality.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostGroups = 1000;  // of repeated examples that are listed

/// What one example turned out to be.
struct Finding {
  Layout layout;
  std::string hash;  // of layout and values; empty when damaged
  std::string gist;  // of texts: hash of what case, punctuation and spaces leave; empty where that is nothing
  std::string format, reason;
};

/// Letters and digits in lower case; what is not ASCII stays as it is.
std::string gist_of(const Raw& raw) {
  std::string plain;
  for (const uint8_t byte : raw.bytes)
    if (byte >= 0x80 || std::isalnum(byte)) plain += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
  return plain.empty() ? plain : hash_bytes(plain.data(), plain.size());
}

Finding look(const Source& source, const Modality& modality, int64_t index) {
  Finding finding;
  try {
    const Raw raw = source.raw(index);
    const std::string where = source.name(index);
    finding.format = modality.format(raw);
    finding.layout = modality.own_layout(where, raw);
    const Layout kept = modality.kept(finding.layout);
    Bytes values(static_cast<std::size_t>(kept.bytes()));
    modality.decode(where, raw, kept, values.data());
    Hasher hasher;
    hasher.add(finding.layout.sizes.data(), finding.layout.sizes.size() * sizeof(int32_t));
    hasher.add(values.data(), values.size());
    finding.hash = hasher.hex();
    if (source.kind() == Kind::text) finding.gist = gist_of(raw);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    finding.reason = error.message();
  }
  return finding;
}

std::vector<Finding> look_at_all(const Source& source, const Modality& modality) {
  std::vector<Finding> findings(static_cast<std::size_t>(source.size()));
  Work work(fmt::format("looking at {}s", word_for_one(source.kind())), source.size());
  parallel_for(source.size(), static_cast<int>(std::max(1u, std::thread::hardware_concurrency())), [&](int64_t i) {
    findings[static_cast<std::size_t>(i)] = look(source, modality, i);
    work.advance();
  });
  return findings;
}

Json count_labels(const Source& source) {
  std::vector<int64_t> counts(source.classes().size());
  int64_t labeled = 0;
  for (int64_t i = 0; i < source.size(); ++i)
    if (const int32_t label = source.label(i); label >= 0) ++counts[static_cast<std::size_t>(label)], ++labeled;
  Json per_class = Json::array();
  for (std::size_t c = 0; c < counts.size(); ++c)
    per_class.push_back({{"class", source.classes()[c]}, {"labeled", counts[c]}});
  return {{"examples", source.size()},
          {"labeled", labeled},
          {"unlabeled", source.size() - labeled},
          {"per_class", per_class}};
}

Json describe_shapes(const std::vector<Finding>& findings) {
  std::map<std::pair<int32_t, int32_t>, int64_t> sizes;
  std::map<std::string, int64_t> channels, formats;
  std::vector<int32_t> heights, widths;
  for (const Finding& finding : findings) {
    if (!finding.format.empty() && finding.format != "unknown") ++formats[finding.format];
    if (finding.hash.empty()) continue;
    const auto at = [&](std::size_t k) { return finding.layout.sizes.at(k); };
    ++sizes[{at(0), at(1)}];
    ++channels[at(2) == 1 ? "grey" : "colour"];
    heights.push_back(at(0));
    widths.push_back(at(1));
  }
  std::vector<std::pair<std::pair<int32_t, int32_t>, int64_t>> common(sizes.begin(), sizes.end());
  std::stable_sort(common.begin(), common.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(common.size(), 10); ++i)
    list.push_back({{"height", common[i].first.first}, {"width", common[i].first.second}, {"count", common[i].second}});
  const auto spread = [](std::vector<int32_t>& values) -> Json {
    if (values.empty()) return nullptr;
    std::sort(values.begin(), values.end());
    return {{"least", values.front()}, {"median", values[values.size() / 2]}, {"most", values.back()}};
  };
  return {{"sizes",
           {{"distinct", sizes.size()}, {"height", spread(heights)}, {"width", spread(widths)}, {"commonest", list}}},
          {"channels", channels},
          {"formats", formats}};
}

/// Of texts and rows: how many tokens and columns they have; of recordings: how many seconds.
Json describe_lengths(const std::vector<Finding>& findings) {
  std::map<std::string, int64_t> formats, rates;
  std::vector<double> lengths;
  for (const Finding& finding : findings) {
    if (!finding.format.empty() && finding.format != "unknown") ++formats[finding.format];
    if (finding.hash.empty()) continue;
    const Layout& layout = finding.layout;
    lengths.push_back(layout.kind == Kind::audio ? static_cast<double>(layout.longest) / layout.rate
                                                 : layout.sizes.at(0));
    if (layout.kind == Kind::audio) ++rates[std::to_string(layout.rate)];
  }
  if (lengths.empty()) return {{"lengths", nullptr}, {"formats", formats}};
  std::sort(lengths.begin(), lengths.end());
  const auto whole = [&](double length) -> Json {  // seconds in hundredths, all else is counted
    if (rates.empty()) return static_cast<int64_t>(length);
    return std::round(length * 100) / 100;
  };
  const auto at = [&](double share) {
    return whole(lengths[static_cast<std::size_t>(share * static_cast<double>(lengths.size() - 1))]);
  };
  Json found = {{"lengths",
                 {{"least", whole(lengths.front())},
                  {"lower_quarter", at(0.25)},
                  {"median", at(0.5)},
                  {"upper_quarter", at(0.75)},
                  {"most_of_95", at(0.95)},
                  {"most", whole(lengths.back())}}},
                {"formats", formats}};
  if (!rates.empty()) found["rates"] = rates;
  return found;
}

Json list_damage(const Source& source, const std::vector<Finding>& findings, const DataOptions& options) {
  Json list = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (!findings[i].reason.empty())
      list.push_back({{"name", source.name(static_cast<int64_t>(i))}, {"reason", findings[i].reason}});
  if (options.strict && !list.empty())
    throw_data(list[0]["name"],
               fmt::format("{} ({} damaged in all)", list[0]["reason"].get<std::string>(), list.size()),
               "repair or remove it, or set strict = false");
  return list;
}

using Places = std::unordered_map<std::string, std::vector<int64_t>>;

Places by_hash(const std::vector<Finding>& findings) {
  Places places;
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (!findings[i].hash.empty()) places[findings[i].hash].push_back(static_cast<int64_t>(i));
  return places;
}

/// Examples that occur more than once in one source, in the order of their first occurrence.
Json list_repeats(const Source& source, const Places& places) {
  std::vector<const std::vector<int64_t>*> groups;
  int64_t extra = 0, conflicting = 0;
  for (const auto& [hash, group] : places) {
    if (group.size() < 2) continue;
    groups.push_back(&group);
    extra += static_cast<int64_t>(group.size()) - 1;
    int32_t label = kUnlabeled;
    bool differ = false;
    for (const int64_t index : group) {
      const int32_t other = source.label(index);
      if (other >= 0 && label >= 0 && other != label) differ = true;
      if (other >= 0) label = other;
    }
    if (differ) ++conflicting;
  }
  std::sort(groups.begin(), groups.end(), [](const auto* a, const auto* b) { return a->front() < b->front(); });
  Json list = Json::array();
  for (std::size_t g = 0; g < std::min(groups.size(), kMostGroups); ++g) {
    Json names = Json::array();
    for (const int64_t index : *groups[g]) names.push_back(source.name(index));
    list.push_back(names);
  }
  return {{"groups", groups.size()}, {"extra", extra}, {"conflicting_labels", conflicting}, {"names", list}};
}

/// Texts that differ in case, punctuation or spaces alone: the first of each value, by gist.
Places by_gist(const std::vector<Finding>& findings) {
  std::unordered_map<std::string, std::set<std::string>> seen;
  Places places;
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (const Finding& finding = findings[i]; !finding.gist.empty() && seen[finding.gist].insert(finding.hash).second)
      places[finding.gist].push_back(static_cast<int64_t>(i));
  return places;
}

/// `set`: "test" or "validation".
Json list_shared(const std::string& set, const Dataset& dataset, const Source& judged, const Places& train,
                 const Places& test) {
  std::vector<std::pair<int64_t, int64_t>> pairs;  // first of each in test and train
  int64_t count = 0;
  for (const auto& [hash, group] : test)
    if (const auto found = train.find(hash); found != train.end()) {
      pairs.emplace_back(group.front(), found->second.front());
      count += static_cast<int64_t>(group.size());
    }
  std::sort(pairs.begin(), pairs.end());
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(pairs.size(), kMostGroups); ++i)
    list.push_back({{set, judged.name(pairs[i].first)}, {"train", dataset.train->name(pairs[i].second)}});
  return {{set + "_examples", count}, {"names", list}};
}

struct Inspected {
  Json json;
  Places places;
};

Inspected inspect_source(const Source& source, const Modality& modality, const DataOptions& options) {
  const auto findings = look_at_all(source, modality);
  Inspected result{count_labels(source), by_hash(findings)};
  result.json.update(source.kind() == Kind::image ? describe_shapes(findings) : describe_lengths(findings));
  const auto* gathered = dynamic_cast<const Gathered*>(&source);
  result.json["left_out"] = gathered != nullptr ? gathered->left_out() : 0;
  result.json["damaged"] = list_damage(source, findings, options);
  result.json["repeated"] = list_repeats(source, result.places);
  if (source.kind() == Kind::text) result.json["nearly_repeated"] = list_repeats(source, by_gist(findings));
  return result;
}

}  // namespace

Json inspect(const Dataset& dataset, const Modality& modality, const DataOptions& options) {
  Json result{{"name", dataset.name},
              {"kind", to_string(modality.kind())},
              {"origin", dataset.origin},
              {"classes", dataset.classes}};
  const Inspected train = inspect_source(*dataset.train, modality, options);
  result["notes"] = dataset.notes;
  result["train"] = train.json;
  const auto judged = [&](const std::string& set, const std::shared_ptr<const Source>& source, const char* shared) {
    result[set] = result[shared] = nullptr;
    if (!source) return;
    const Inspected found = inspect_source(*source, modality, options);
    result[set] = found.json;
    result[shared] = list_shared(set, dataset, *source, train.places, found.places);
  };
  judged("test", dataset.test, "in_both");
  judged("validation", dataset.validation, "in_validation");
  return result;
}

}  // namespace fewlabel
