#include "modalities/text/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

using Ids = std::vector<int32_t>;

/// Ids from 10 on begin a word where they are even.
std::shared_ptr<const WordTable> table() {
  WordTable words;
  for (int32_t id = 0; id < 40; ++id) words.begins.push_back(id < 10 || id % 2 == 0);
  return std::make_shared<const WordTable>(words);
}

Ids applied(const std::string& policy, Ids ids, uint64_t seed = 0, int32_t room = 16) {
  const Layout layout{Kind::text, Layout::Type::i32, {room}, 40};
  ids.resize(static_cast<std::size_t>(room));
  Ids out(ids.size(), -7);
  Random random({.seed = seed, .purpose = "test"});
  make_text_transform(policy, table())
      ->apply(reinterpret_cast<const uint8_t*>(ids.data()), layout, reinterpret_cast<uint8_t*>(out.data()), random);
  while (!out.empty() && out.back() == kPadding) out.pop_back();
  return out;
}

const Ids kText = {kFirst, 10, 11, 12, 14, 15, 15, 16, 18, kLast};  // words 10 11 · 12 · 14 15 15 · 16 · 18

TEST(TextViews, NoneLeavesATextAsItIs) { EXPECT_EQ(applied("none", kText), kText); }

TEST(TextViews, DeleteTakesWholeWordsAndLeavesOne) {
  EXPECT_EQ(applied("delete(0)", kText), kText);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Ids all_gone = applied("delete(1)", kText, seed);
    EXPECT_EQ(all_gone.front(), kFirst);
    EXPECT_EQ(all_gone.back(), kLast);
    EXPECT_THAT(all_gone.size(), ::testing::AllOf(::testing::Ge(3U), ::testing::Le(5U)));  // one word of one to three
    const Ids half = applied("delete(0.5)", kText, seed);
    const auto at = std::find(half.begin(), half.end(), 14);
    if (at != half.end()) {
      EXPECT_EQ(*(at + 1), 15);
      EXPECT_EQ(*(at + 2), 15);
    } else {
      EXPECT_EQ(std::count(half.begin(), half.end(), 15), 0);
    }
  }
}

TEST(TextViews, SwapKeepsEveryWord) {
  EXPECT_EQ(applied("swap(1)", {10, 11, 12, 14}), (Ids{12, 14, 10, 11}));
  Ids swapped = applied("swap(0.5)", kText, 3), plain = kText;
  EXPECT_EQ(swapped.front(), kFirst);
  EXPECT_EQ(swapped.back(), kLast);
  std::sort(swapped.begin(), swapped.end());
  std::sort(plain.begin(), plain.end());
  EXPECT_EQ(swapped, plain);
}

TEST(TextViews, MaskHidesAShareOfTheWordsAndNoSpecialToken) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Ids masked = applied("mask(0.4, span=1)", kText, seed);
    ASSERT_EQ(masked.size(), kText.size());
    EXPECT_EQ(masked.front(), kFirst);
    EXPECT_EQ(masked.back(), kLast);
    int words = 0;
    for (const std::size_t begin : {1U, 3U, 4U, 7U, 8U}) words += masked[begin] == kMask;
    EXPECT_EQ(words, 2);
  }
  const Ids all = applied("mask(1)", kText);
  EXPECT_EQ(std::count(all.begin(), all.end(), kMask), 8);
}

TEST(TextViews, ReplaceDrawsByHowOftenATokenIsSeen) {
  WordTable words = *table();
  for (int32_t id = 0; id < 40; ++id) words.cumulative.push_back(id < 20 ? 0.0 : id < 21 ? 0.75 : 1.0);
  Random random({.seed = 1, .purpose = "test"});
  std::map<int32_t, int> seen;
  for (int i = 0; i < 4000; ++i) ++seen[words.draw(random)];
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_NEAR(seen[20], 3000, 120);
  EXPECT_NEAR(seen[21], 1000, 120);
  for (const int32_t id : applied("replace(1)", {10, 11, 12})) EXPECT_GE(id, kSpecialTokens);
}

TEST(TextViews, CropKeepsAPartThatIsWhole) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Ids part = applied("crop(0.4)", kText, seed);  // two of five words
    const Ids inner(part.begin() + 1, part.end() - 1);
    EXPECT_NE(std::search(kText.begin(), kText.end(), inner.begin(), inner.end()), kText.end());
    EXPECT_GE(inner.size(), 2U);
    EXPECT_LE(inner.size(), 4U);
  }
}

TEST(TextViews, DependOnTheKeyAlone) {
  const std::string policy = "delete(0.3)+swap(0.3)+replace(0.3)+mask(0.3)+crop(0.5..1)";
  EXPECT_EQ(applied(policy, kText, 5), applied(policy, kText, 5));
  EXPECT_NE(applied(policy, kText, 5), applied(policy, kText, 6));
}

TEST(TextViews, ATextOfOneWordOrNoneSurvivesEveryStep) {
  for (const std::string policy : {"delete(1)", "swap(1)", "mask(1)", "crop(0.01)", "replace(1)"}) {
    EXPECT_EQ(applied(policy, {10}).size(), 1U) << policy;
    EXPECT_EQ(applied(policy, {kFirst, kLast}), (Ids{kFirst, kLast})) << policy;
    EXPECT_TRUE(applied(policy, {}).empty()) << policy;
  }
}

TEST(TextViews, RefuseWhatIsNoStepOfTexts) {
  const Error error = error_of([] { make_text_transform("flip+delete(0.1)", table()); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("'flip'"));
  EXPECT_EQ(error_of([] { make_text_transform("delete(2)", table()); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([] { make_text_transform("mask(0.1, spam=2)", table()); }).kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel
