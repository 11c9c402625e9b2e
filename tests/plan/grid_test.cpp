#include "plan/grid.h"

#include <gmock/gmock.h>

#include "helpers.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

std::vector<std::string> names_of(const Grid& grid) {
  std::vector<std::string> names;
  for (const GridCell& cell : grid.cells) names.push_back(cell.name);
  return names;
}

TEST(Grid, IsEveryCombinationAndTheLastKeyVariesFastest) {
  const Grid grid = make_grid({"method=fixmatch,softmatch", "train.steps=9", "seed=0,1,2"});
  EXPECT_THAT(grid.fixed, ElementsAre("train.steps=9"));
  EXPECT_THAT(names_of(grid), ElementsAre("fixmatch-seed-0", "fixmatch-seed-1", "fixmatch-seed-2", "softmatch-seed-0",
                                          "softmatch-seed-1", "softmatch-seed-2"));
  EXPECT_EQ(grid.cells[4].settings,
            (std::vector<std::pair<std::string, std::string>>{{"method", "softmatch"}, {"seed", "1"}}));
}

TEST(Grid, WithoutAListIsOneCell) { EXPECT_THAT(names_of(make_grid({"data=photos"})), ElementsAre("run")); }

TEST(Grid, ACommaWithinBracketsOrQuotesSeparatesNothing) {
  EXPECT_THAT(list_values("flip+crop(pad=4, mode=zero),none"), ElementsAre("flip+crop(pad=4, mode=zero)", "none"));
  EXPECT_THAT(list_values("\"cat,dog\""), ElementsAre("cat,dog"));
  EXPECT_THAT(list_values("\"cat,dog\",'a,b'"), ElementsAre("cat,dog", "a,b"));
  EXPECT_THAT(list_values("cat\\,dog"), ElementsAre("cat,dog"));
  EXPECT_THAT(list_values("it's,here"), ElementsAre("it's", "here"));
  EXPECT_THAT(list_values("\"7\""), ElementsAre("\"7\"")) << "a text that looks like a number stays one";
  EXPECT_THAT(list_values("[1, 2]"), ElementsAre("[1, 2]"));
}

TEST(Grid, NamesAreFitForFoldersAndUnique) {
  EXPECT_THAT(names_of(make_grid({"data=a/b@40:seed=0,a/b@40:seed=1"})), ElementsAre("a-b-40-seed-0", "a-b-40-seed-1"));
  EXPECT_THAT(names_of(make_grid({"method.tau=0.9,0.95"})), ElementsAre("tau-0.9", "tau-0.95"));
  EXPECT_THAT(names_of(make_grid({"data=../x,..,//"})), ElementsAre("x", "data", "data-2"));
  EXPECT_THAT(names_of(make_grid({"init=a+b,a b"})), ElementsAre("init-a-b", "init-a-b-2"));
}

TEST(Grid, RefusesWhatIsNoGrid) {
  EXPECT_THAT(error_of([] { make_grid({"seed"}); }).message(), HasSubstr("key=value"));
  EXPECT_THAT(error_of([] { make_grid({"seed=0,,1"}); }).message(), HasSubstr("empty value"));
  EXPECT_THAT(error_of([] { make_grid({"seed=0,1", "seed=2,3"}); }).message(), HasSubstr("two lists"));
  std::string many = "seed=0";
  for (int i = 1; i < 40; ++i) many += "," + std::to_string(i);
  EXPECT_THAT(error_of([&] { make_grid({many, "train.steps=" + many.substr(5)}); }).message(), HasSubstr("1,000"));
}

}  // namespace
}  // namespace fewlabel
