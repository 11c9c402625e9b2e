#include "data/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <unordered_map>

#include "core/hash.h"
#include "core/text.h"
#include "core/work.h"
#include "data/decode/decode.h"
#include "data/parallel.h"
#include "data/sources/sources.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostGroups = 1000;  // of repeated images that are listed

/// What one example turned out to be.
struct Finding {
  ImageShape shape;
  std::string hash;  // of shape and pixels; empty when damaged
  std::string format, reason;
};

Finding look(const Source& source, const Encoded* encoded, int64_t index, int64_t max_pixels) {
  Finding finding;
  try {
    Image image;
    if (encoded != nullptr) {
      const Bytes bytes = encoded->encoded(index);
      finding.format = to_string(sniff_image(bytes));
      image = decode_image(source.name(index), bytes, {max_pixels, {}});
    } else {
      finding.format = "raw";
      image = source.read(index);
    }
    finding.shape = {image.height, image.width, image.channels};
    Hasher hasher;
    hasher.add(&finding.shape, sizeof(finding.shape));
    hasher.add(image.pixels.data(), image.pixels.size());
    finding.hash = hasher.hex();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
    finding.reason = error.message();
  }
  return finding;
}

std::vector<Finding> look_at_all(const Source& source, const DataOptions& options) {
  const auto* encoded = dynamic_cast<const Encoded*>(&source);
  std::vector<Finding> findings(static_cast<std::size_t>(source.size()));
  Work work("looking at images", source.size());
  parallel_for(source.size(), static_cast<int>(std::max(1u, std::thread::hardware_concurrency())), [&](int64_t i) {
    findings[static_cast<std::size_t>(i)] = look(source, encoded, i, options.max_pixels);
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
    ++sizes[{finding.shape.height, finding.shape.width}];
    ++channels[finding.shape.channels == 1 ? "grey" : "colour"];
    heights.push_back(finding.shape.height);
    widths.push_back(finding.shape.width);
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

/// Images that occur more than once in one source, in the order of their first occurrence.
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

Json list_shared(const Dataset& dataset, const Places& train, const Places& test) {
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
    list.push_back({{"test", dataset.test->name(pairs[i].first)}, {"train", dataset.train->name(pairs[i].second)}});
  return {{"test_examples", count}, {"names", list}};
}

struct Inspected {
  Json json;
  Places places;
};

Inspected inspect_source(const Source& source, const DataOptions& options) {
  const auto findings = look_at_all(source, options);
  Inspected result{count_labels(source), by_hash(findings)};
  result.json.update(describe_shapes(findings));
  const auto* encoded = dynamic_cast<const Encoded*>(&source);
  result.json["left_out"] = encoded != nullptr ? encoded->left_out() : 0;
  result.json["damaged"] = list_damage(source, findings, options);
  result.json["repeated"] = list_repeats(source, result.places);
  return result;
}

}  // namespace

Json inspect(const Dataset& dataset, const DataOptions& options) {
  Json result{{"name", dataset.name}, {"origin", dataset.origin}, {"classes", dataset.classes}};
  const Inspected train = inspect_source(*dataset.train, options);
  result["train"] = train.json;
  result["test"] = nullptr;
  result["in_both"] = nullptr;
  if (dataset.test) {
    const Inspected test = inspect_source(*dataset.test, options);
    result["test"] = test.json;
    result["in_both"] = list_shared(dataset, train.places, test.places);
  }
  return result;
}

}  // namespace fewlabel
