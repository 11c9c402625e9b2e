#include "report/exhibit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base64.h"
#include "core/text.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostText = 20'000;  // bytes of one text on the page
constexpr std::size_t kMostMarks = 2'000;
constexpr std::size_t kLong = 600;  // bytes from which a text may be higher than its frame

Json picture_view(const std::string& png, const std::string& about) {
  const auto width = png_width(png);
  if (!width) return {};
  return {{"png", png}, {"about", about}, {"small", *width < 100}};
}

/// The bytes of one character, or of what is none.
std::size_t step_at(std::string_view text, std::size_t at) {
  return std::max<std::size_t>(utf8_length(text.substr(at)), 1);
}

/// Marks of a stranger's file: in order, apart from each other, of whole characters of a text of `boundaries`.
std::vector<Mark> sound_marks(const Json& list, const std::vector<std::size_t>& boundaries) {
  std::vector<Mark> marks;
  const double size = static_cast<double>(boundaries.back());
  for (const auto& item : list) {
    if (marks.size() == kMostMarks) break;
    if (!item.is_array() || item.size() != 3) continue;
    if (!std::all_of(item.begin(), item.end(), [](const Json& value) { return value.is_number(); })) continue;
    const double begin = item[0].get<double>(), end = item[1].get<double>(), weight = item[2].get<double>();
    if (!(begin >= 0 && begin < end && begin < size) || !(std::abs(weight) > 0) || !std::isfinite(weight)) continue;
    const auto first = static_cast<std::size_t>(begin), last = static_cast<std::size_t>(std::min(end, size));
    marks.push_back({*std::prev(std::upper_bound(boundaries.begin(), boundaries.end(), first)),
                     *std::lower_bound(boundaries.begin(), boundaries.end(), last), std::clamp(weight, -1.0, 1.0)});
  }
  std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.begin < b.begin; });
  std::size_t free = 0;
  for (Mark& mark : marks) {
    mark.begin = std::max(mark.begin, free);
    free = std::max(free, mark.end);
  }
  std::erase_if(marks, [](const Mark& mark) { return mark.begin >= mark.end; });
  return marks;
}

Json text_view(const Json& exhibit, const std::string& about) {
  std::string text = text_of(exhibit, "text");
  if (text.empty()) return {};
  std::vector<std::size_t> boundaries = {0};
  while (boundaries.back() < text.size()) {
    const std::size_t next = boundaries.back() + step_at(text, boundaries.back());
    if (next > kMostText) break;
    boundaries.push_back(next);
  }
  const bool cut = boundaries.back() < text.size();
  text.resize(boundaries.back());
  Json runs = Json::array();
  const auto add = [&](std::size_t begin, std::size_t end) -> Json& {
    return runs.emplace_back(Json{{"text", text.substr(begin, end - begin)}});
  };
  std::size_t at = 0;
  for (const Mark& mark : sound_marks(list_of(exhibit, "marks"), boundaries)) {
    if (at < mark.begin) add(at, mark.begin);
    at = mark.end;
    Json& run = add(mark.begin, mark.end);
    run["side"] = mark.weight > 0 ? "for" : "against";
    run["strength"] = fmt::format("{:.2f}", std::abs(mark.weight));
    run["weight"] = fmt::format("{:+.2f}", mark.weight);
  }
  if (at < text.size()) add(at, text.size());
  return {{"runs", runs}, {"about", about}, {"long", text.size() > kLong}, {"cut", cut}};
}

Json sound_view(const Json& exhibit, const std::string& about) {
  const std::string wav = text_of(exhibit, "wav");
  if (!is_wav(wav)) return {};
  return {{"wav", wav}, {"about", about}, {"spectrogram", picture_view(text_of(exhibit, "png"), "spectrogram")}};
}

}  // namespace

void to_json(Json& json, const Exhibit& exhibit) {
  switch (exhibit.kind) {
    case Exhibit::Kind::picture:
      json = {{"kind", "picture"}, {"png", base64(exhibit.png)}};
      break;
    case Exhibit::Kind::text: {
      std::string text = exhibit.text;
      for (std::size_t at = 0; at < text.size(); at += step_at(text, at))
        if (utf8_length(std::string_view(text).substr(at)) == 0) text[at] = '?';
      Json marks = Json::array();
      for (const Mark& mark : exhibit.marks) marks.push_back(Json::array({mark.begin, mark.end, mark.weight}));
      json = {{"kind", "text"}, {"text", text}, {"marks", marks}};
      break;
    }
    case Exhibit::Kind::sound:
      json = {{"kind", "sound"}, {"wav", base64(exhibit.wav)}};
      if (!exhibit.png.empty()) json["png"] = base64(exhibit.png);
      break;
  }
}

Json exhibit_view(const Json& item, const std::string& about) {
  const Json& exhibit = object_of(item, "exhibit");
  const std::string kind = text_of(exhibit, "kind");
  std::string part = "picture";
  Json view;
  if (exhibit.empty()) {
    view = picture_view(text_of(item, "png_base64"), about);
  } else if (kind == "text") {
    part = "writing";
    view = text_view(exhibit, about);
  } else if (kind == "sound") {
    part = "sound";
    view = sound_view(exhibit, about);
  } else if (kind == "picture") {
    view = picture_view(text_of(exhibit, "png"), about);
  }
  return view.is_null() ? view : Json{{part, view}};
}

bool is_wide(const Json& view) { return view.is_object() && !view.contains("picture"); }

}  // namespace fewlabel
