#include "core/text.h"

#include "core/base64.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(Text, ThousandsAreSeparated) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_commas(-1000), "-1,000");
}

TEST(Text, DurationsReadNaturally) {
  EXPECT_EQ(duration(2.34), "2.3 s");
  EXPECT_EQ(duration(59), "59 s");
  EXPECT_EQ(duration(185), "3 min 05 s");
  EXPECT_EQ(duration(7800), "2 h 10 min");
}

TEST(Text, SplitKeepsEmptyParts) { EXPECT_EQ(split_text("a,,b", ','), (std::vector<std::string>{"a", "", "b"})); }

TEST(Base64, AgreesWithRfc4648) {
  const std::string_view plain = "foobar";
  const char* expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= 6; ++n) EXPECT_EQ(base64(plain.substr(0, n)), expected[n]);
}

TEST(Text, BytesHaveAUnit) {
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(1.5e6), "1.5 MB");
}

TEST(Text, Utf8IsTakenStrictly) {
  for (const std::string_view good : {"a", "é", "€", "😀", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(utf8_length(good), good.size()) << good;
  EXPECT_EQ(utf8_length("éa"), 2u);
  for (const std::string_view bad :
       {"", "\xe9", "\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x98"})
    EXPECT_EQ(utf8_length(bad), 0u) << escape_bytes(bad);
}

TEST(Text, BytesThatAreNoTextAreShown) {
  EXPECT_EQ(escape_bytes("café"), "café");
  EXPECT_EQ(escape_bytes("caf\xe9!"), "caf\\xe9!");
}

TEST(Text, AnyScriptLinesUpAndNothingMovesTheCursor) {
  EXPECT_EQ(columns("café €"), 6u);
  EXPECT_EQ(printable("a\x1b[31m\nb\x7f é"), "a?[31m?b? é");
  EXPECT_EQ(printable("a\xc2\x9b\xc2\xa0\xc2"), "a?\xc2\xa0\\xc2");  // a control of Latin-1, no-break space, half
}

}  // namespace
}  // namespace fewlabel
