// The part of the report that shows what was made of the examples without a label, for whoever must judge by eye.
#include <fmt/format.h>

#include <algorithm>

#include "report/exhibit.h"
#include "report/markup.h"
#include "report/sections.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostExhibits = 1000;  // of a stranger's file

Json counts_view(const Json& classes) {
  constexpr std::size_t kFolded = 24;
  const auto count_of = [](const Json& item, const char* key) {
    return std::max(0.0, number_of(item, key).value_or(0));
  };
  const auto share = [](double part, double whole) { return whole > 0 ? std::clamp(part / whole, 0.0, 1.0) : 0.0; };
  double labels = 0, calls = 0, most = 0;
  for (const auto& item : classes) {
    labels += count_of(item, "labels");
    calls += count_of(item, "called");
  }
  if (calls <= 0) return {};
  for (const auto& item : classes)
    most = std::max({most, share(count_of(item, "labels"), labels), share(count_of(item, "called"), calls)});
  Json rows = Json::array();
  for (const auto& item : classes) {
    const auto cell = [&](const char* key, double whole) {
      const double count = count_of(item, key);
      return Json{{"width", fmt::format("{:.1f}", 100 * share(share(count, whole), most))},
                  {"count", count_text(count)},
                  {"share", percent_text(share(count, whole), 0)}};
    };
    rows.push_back(
        {{"name", text_of(item, "name")}, {"cells", Json::array({cell("labels", labels), cell("called", calls)})}});
  }
  return {{"rows", rows}, {"folded", rows.size() > kFolded ? Json(rows.size()) : Json()}};
}

/// One end of a class: the surest or the least sure of those called so.
Json end_view(const Json& list, const std::string& title, std::size_t& shown) {
  Json items = Json::array();
  for (const auto& item : list) {
    if (shown >= kMostExhibits) break;
    const std::string name = text_of(item, "name"), share = sure_share(item);
    Json exhibit = exhibit_view(item, name);
    if (exhibit.is_null()) continue;
    ++shown;
    const bool wide = is_wide(exhibit);
    items.push_back({{"title", name + ", " + (share.empty() ? "" : share + " sure")},
                     {"exhibit", std::move(exhibit)},
                     {"wide", wide}});
  }
  if (items.empty()) return {};
  const std::string first = sure_share(list.front()), last = sure_share(list.back());
  return {{"title", title}, {"shares", first == last ? first : first + " to " + last}, {"items", items}};
}

Json galleries_view(const Json& classes) {
  constexpr std::size_t kFolded = 12, kAllShown = 40;
  Json shown_classes = Json::array();
  std::size_t shown = 0;
  for (const auto& item : classes) {
    Json surest = end_view(list_of(item, "surest"), "surest", shown);
    if (surest.is_null()) continue;
    Json ends = Json::array({std::move(surest)});
    if (Json least = end_view(list_of(item, "least_sure"), "least sure", shown); !least.is_null())
      ends.push_back(std::move(least));
    shown_classes.push_back({{"name", text_of(item, "name")}, {"ends", std::move(ends)}});
  }
  const std::size_t with = shown_classes.size();
  if (with == 0) return {};
  Json view = {{"classes", std::move(shown_classes)}};
  if (with < classes.size() && classes.size() > kAllShown) view["most_called"] = with;
  if (with > kFolded) view["folded"] = with;
  return view;
}

Json pairs_view(const Json& list) {
  constexpr std::size_t kMost = 60;
  Json pairs = Json::array();
  bool wide = false;
  for (const auto& item : list) {
    if (pairs.size() == kMost) break;
    Json halves = Json::array();
    for (const char* side : {"first", "second"}) {
      const Json& one = object_of(item, side);
      const std::string name = text_of(one, "name");
      Json exhibit = exhibit_view(one, name);
      wide = wide || is_wide(exhibit);
      halves.push_back({{"name", name}, {"class", text_of(one, "class")}, {"exhibit", std::move(exhibit)}});
    }
    pairs.push_back({{"halves", std::move(halves)}});
  }
  return pairs.empty() ? Json() : Json{{"pairs", std::move(pairs)}, {"wide", wide}};
}

Json near_duplicates_view(const Json& found) {
  Json view = pairs_view(list_of(found, "near_duplicates"));
  const auto all = number_of(found, "pairs"), compared = number_of(found, "compared");
  if (!view.is_null() && all && compared)
    view["found"] = {{"count", *all == 1 ? "One pair" : count_text(*all) + " pairs"},
                     {"compared", count_text(*compared)},
                     {"several", *all != 1}};
  return view;
}

}  // namespace

Json unlabelled_view(const ReportInput& input) {
  const Json& found = object_of(input.evaluation, "unlabelled");
  const Json& classes = list_of(found, "classes");
  Json view = {{"counts", counts_view(classes)},
               {"galleries", galleries_view(classes)},
               {"suspicious", cards_view(list_of(found, "suspicious"), "label")},
               {"two_labels", pairs_view(list_of(found, "two_labels"))},
               {"near_duplicates", near_duplicates_view(found)}};
  if (std::all_of(view.begin(), view.end(), [](const Json& part) { return part.is_null(); })) return {};
  const auto examples = number_of(found, "examples"), of = number_of(found, "of");
  Json intro = Json::object();
  if (examples && of) {
    intro[*examples < *of ? "some" : "all"] = true;
    intro["examples"] = count_text(*examples);
    intro["of"] = count_text(*of);
  }
  if (!number_of(input.summary, "accuracy")) intro["unknown"] = true;
  view["intro"] = std::move(intro);
  return view;
}

}  // namespace fewlabel
