#include <gmock/gmock.h>

#include <string>

#include "report/fixtures.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

TEST(Markup, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(escape_html("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  for (const char* bad : {"\xff", "\xc0", "\xed", "\x80", "\x1b"}) EXPECT_EQ(escape_html(bad), "\xef\xbf\xbd");
  EXPECT_EQ(escape_html("<a b=\"'&\">"), "&lt;a b=&quot;&#39;&amp;&quot;&gt;");
}

TEST(Markup, TakesOnlyPicturesInBase64) {
  EXPECT_EQ(png_width(kPng), 1);
  EXPECT_FALSE(png_width(std::string(kPng) + "\" onerror=\"x"));
  EXPECT_FALSE(png_width("R0lGODlhAQABAAAAACwAAAAAAQABAAACAkQBADs="));
  EXPECT_FALSE(png_width(""));
}

}  // namespace
}  // namespace fewlabel
