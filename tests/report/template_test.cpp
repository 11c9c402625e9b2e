#include "report/template.h"

#include <gmock/gmock.h>

#include "helpers.h"
#include "report/markup.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Template, EscapesWhatIsSaidAndKeepsCodeApart) {
  EXPECT_EQ(render("prose", {{"parts", prose_parts("a <b> `x<y` c")}}),
            "a &lt;b&gt; <code class=\"word\">x&lt;y</code> c");
  EXPECT_EQ(render("prose", {{"parts", prose_parts("a\x01\xff`")}}), "a\xef\xbf\xbd\xef\xbf\xbd`");
}

TEST(Template, LooksInTheObjectAtHandAlone) {
  const Json card = {{"label", "cat"}, {"sure", ""}};  // no name, and what it said is not known
  const std::string html = render("mistakes", {{"cards", {card}}, {"name", "outer"}, {"said", "outer"}});
  EXPECT_THAT(html, HasSubstr("<span>cat</span>"));
  EXPECT_THAT(html, Not(HasSubstr("outer")));
  EXPECT_THAT(html, Not(HasSubstr("sure</small>"))) << "an empty text is nothing to show";
}

TEST(Template, MissingOnesAreNamed) {
  EXPECT_THAT(testing::error_of([] { render("no_such", {}); }).message(), HasSubstr("no_such"));
}

// A partial that is missing or a section that is not closed is only met where it is rendered.
TEST(Template, AllAreWellFormedEvenWithNothingToShow) {
  for (const char* name :
       {"card",         "chart",    "classes", "end",        "exhibit", "exhibit_picture", "exhibit_sound",
        "exhibit_text", "features", "hero",    "histogram",  "labels",  "making",          "masthead",
        "mistakes",     "page",     "pairs",   "pictures",   "prose",   "result",          "sheet",
        "stages",       "training", "trust",   "unlabelled", "warnings"}) {
    EXPECT_THAT(template_file(std::string(name) + ".html"), HasSubstr("{{")) << name;
    EXPECT_NO_THROW(render(name, Json::object())) << name;
  }
}

TEST(Template, FilesAreWholeToTheByte) {
  const std::string_view page = template_file("page.html");
  EXPECT_TRUE(page.starts_with("<!doctype html>\n"));
  EXPECT_TRUE(page.ends_with("</body></html>\n"));
  EXPECT_THAT(page, HasSubstr(" – fewlabel report")) << "beyond ASCII";
  EXPECT_TRUE(template_file("../page.html").empty());
}

}  // namespace
}  // namespace fewlabel
