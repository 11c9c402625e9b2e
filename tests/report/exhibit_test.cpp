#include "report/exhibit.h"

#include <gmock/gmock.h>

#include <cmath>
#include <regex>

#include "core/base64.h"
#include "core/json_text.h"
#include "core/text.h"
#include "report/fixtures.h"
#include "report/html.h"
#include "report/template.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string drawn(const Json& item) { return render("exhibit", exhibit_view(item, "a <b>")); }

Json text_item(const std::string& text, const Json& marks = Json::array()) {
  return {{"exhibit", {{"kind", "text"}, {"text", text}, {"marks", marks}}}};
}

/// What is said, without markup, and the marked parts of it.
std::string plain(const std::string& html) { return std::regex_replace(html, std::regex("<[^>]*>"), ""); }
std::vector<std::string> marked(const std::string& html) {
  std::vector<std::string> parts;
  const std::regex mark("<mark[^>]*>([^<]*)</mark>");
  for (std::sregex_iterator at(html.begin(), html.end(), mark), none; at != none; ++at) parts.push_back((*at)[1]);
  return parts;
}

std::string wav_bytes() { return std::string("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0", 24) + std::string(20, '\0'); }

TEST(Exhibit, APictureIsTheSameInBothForms) {
  const std::string html = drawn({{"exhibit", {{"kind", "picture"}, {"png", kPng}}}});
  EXPECT_EQ(html, drawn({{"png_base64", kPng}})) << "runs of earlier versions";
  EXPECT_THAT(html, HasSubstr("<img class=\"px\" alt=\"a &lt;b&gt;\" src=\"data:image/png;base64,iVBOR"));
  EXPECT_TRUE(exhibit_view({{"png_base64", "\" onerror=\"x"}}, "").is_null());
  EXPECT_TRUE(exhibit_view({{"exhibit", {{"kind", "picture"}, {"png", "R0lG"}}}}, "").is_null());
}

TEST(Exhibit, TextsAreEscapedAndFindTheirDirection) {
  const std::string html = drawn(text_item("a <script>alert(1)</script>\n\"b\"", {{2, 10, 0.5}}));
  EXPECT_THAT(html, HasSubstr("<span class=\"text\" dir=\"auto\">"));
  EXPECT_THAT(html, HasSubstr("<mark class=\"for\" style=\"--weight:0.50\" title=\"+0.50\">&lt;script&gt;</mark>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_EQ(plain(html), "a &lt;script&gt;alert(1)&lt;/script&gt;\n&quot;b&quot;");
  EXPECT_THAT(drawn(text_item("שלום \xe2\x80\xae evil", {{0, 8, -1}})), HasSubstr("class=\"against\""));
}

TEST(Exhibit, MarksNeverSplitACharacter) {
  const std::string text = "aé€😀ß";  // of 1, 2, 3, 4 and 2 bytes
  for (std::size_t begin = 0; begin <= text.size(); ++begin)
    for (std::size_t end = 0; end <= text.size() + 2; ++end) {
      const std::string html = drawn(text_item(text, {{begin, end, 0.1}}));
      EXPECT_EQ(plain(html), text) << begin << ' ' << end;
      for (const auto& part : marked(html))
        for (std::size_t at = 0; at < part.size(); at += utf8_length(std::string_view(part).substr(at)))
          ASSERT_GT(utf8_length(std::string_view(part).substr(at)), 0u) << begin << ' ' << end;
      EXPECT_EQ(marked(html).size(), begin < end && begin < text.size() ? 1u : 0u) << begin << ' ' << end;
    }
  EXPECT_THAT(marked(drawn(text_item(text, {{2, 5, 1}}))), ::testing::ElementsAre("é€"));
}

TEST(Exhibit, OverlappingAndUnorderedMarksLoseNoText) {
  const std::string html = drawn(text_item("one two three", {{4, 9, 0.2}, {0, 5, -3}, {4, 7, 1}}));
  EXPECT_EQ(plain(html), "one two three");
  EXPECT_THAT(marked(html), ::testing::ElementsAre("one t", "wo t"));
  EXPECT_THAT(html, HasSubstr("--weight:1.00")) << "a weight beyond -1 is -1";
}

TEST(Exhibit, MarksOfAStrangerAreCheckedOneByOne) {
  const Json odd = {{-1, 3, 1}, {3, 1, 1},       {0, 1e300, "x"}, {0, 1},      {nullptr, 2, 1},
                    7,          {1e18, 2e18, 1}, {0, 1, 0},       {0, 1, NAN}, {1, 2, 0.5}};
  EXPECT_THAT(marked(drawn(text_item("abc", odd))), ::testing::ElementsAre("b"));
  Json many = Json::array();
  for (int i = 0; i < 5000; ++i) many.push_back({i, i + 1, 0.5});
  EXPECT_EQ(marked(drawn(text_item(std::string(9000, 'x'), many))).size(), 2000u);
  EXPECT_THAT(marked(drawn(text_item("abc", {{0, 1e300, 0.5}}))), ::testing::ElementsAre("abc"));
}

TEST(Exhibit, LongTextsScrollAndEndSomewhere) {
  EXPECT_THAT(drawn(text_item("short")), Not(HasSubstr("tabindex")));
  std::string text;
  while (text.size() < 50'000) text += "é";
  const std::string html = drawn(text_item("x" + text, {{0, 100'000, 0.5}}));
  EXPECT_THAT(html, HasSubstr("tabindex=\"0\" role=\"group\" aria-label=\"a &lt;b&gt;\""));
  EXPECT_LT(html.size(), 21'000u);
  EXPECT_THAT(html, HasSubstr("é</mark> …</span>"));
  EXPECT_TRUE(exhibit_view(text_item(""), "").is_null());
}

TEST(Exhibit, ASoundPlaysBesideItsSpectrogram) {
  const std::string wav = base64(wav_bytes());
  const std::string html = drawn({{"exhibit", {{"kind", "sound"}, {"wav", wav}, {"png", kPng}}}});
  EXPECT_THAT(html, HasSubstr("alt=\"spectrogram\""));
  EXPECT_THAT(html, HasSubstr("aria-label=\"a &lt;b&gt;\" src=\"data:audio/wav;base64," + wav + "\"></audio>"));
  EXPECT_THAT(drawn({{"exhibit", {{"kind", "sound"}, {"wav", wav}}}}), Not(HasSubstr("<img")));
  for (const std::string bad : {"", "x", kPng, "\" onerror=\"x"})
    EXPECT_TRUE(exhibit_view({{"exhibit", {{"kind", "sound"}, {"wav", bad}}}}, "").is_null()) << bad;
  EXPECT_TRUE(exhibit_view({{"exhibit", {{"kind", "smell"}}}}, "").is_null());
}

TEST(Exhibit, WhatCodeHandsInIsWhatIsDrawn) {
  Exhibit text{.kind = Exhibit::Kind::text, .png = {}, .text = "a\xff é", .marks = {{3, 5, -0.25}}, .wav = {}};
  const Json kept = Json::parse(json_text({{"exhibit", text}}));  // a byte that is no UTF-8 moves no mark
  EXPECT_EQ(kept["exhibit"]["text"], "a? é");
  EXPECT_THAT(marked(drawn(kept)), ::testing::ElementsAre("é"));
  Exhibit sound{.kind = Exhibit::Kind::sound, .png = {}, .text = {}, .marks = {}, .wav = wav_bytes()};
  EXPECT_THAT(drawn({{"exhibit", sound}}), HasSubstr("<audio"));
  EXPECT_EQ(Json(Exhibit{.png = "x", .text = {}, .marks = {}, .wav = {}}),
            (Json{{"kind", "picture"}, {"png", base64("x")}}));
}

TEST_F(ReportTest, EverySectionShowsEveryKind) {
  const std::vector<std::pair<Json, std::string>> kinds = {
      {{{"kind", "text"}, {"text", "<script>alert(1)"}, {"marks", {{0, 3, 1}}}}, "class=\"text\""},
      {{{"kind", "sound"}, {"wav", base64(wav_bytes())}}, "<audio"},
      {{{"kind", "picture"}, {"png", kPng}}, "<img"}};
  for (const auto& [exhibit, sign] : kinds) {
    const Json item = {{"name", "n"}, {"class", "c"}, {"exhibit", exhibit}};
    run.write_json(run.evaluation(), {{"mistakes", {item}},
                                      {"label_examples", {item}},
                                      {"reconstructions", item},
                                      {"samples", item},
                                      {"unlabelled",
                                       {{"classes", {{{"name", "c"}, {"surest", {item}}, {"least_sure", {item}}}}},
                                        {"suspicious", {item}},
                                        {"two_labels", {{{"first", item}, {"second", item}}}},
                                        {"near_duplicates", {{{"first", item}, {"second", item}}}}}}});
    const std::string page = report_html(run);
    std::size_t found = 0;
    for (std::size_t at = page.find(sign); at != std::string::npos; at = page.find(sign, at + 1)) ++found;
    EXPECT_EQ(found, 11u) << sign;
    EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
    EXPECT_EQ(page.find("wide-cards\"") != std::string::npos, sign != "<img") << "texts need more than a thumbnail";
  }
  EXPECT_THAT(report_html(run), HasSubstr("media-src data:"));
}

}  // namespace
}  // namespace fewlabel
