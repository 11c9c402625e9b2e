#include "fewlabel/config.h"

#include <gmock/gmock.h>

#include <set>

#include "fewlabel/train_config.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;

struct Inner {
  std::string mode = "fast";
  std::optional<double> rate;
  void fields(FieldVisitor& field) {
    field("mode", mode, "how", {"fast", "exact"});
    field("rate", rate, "of change", 0.0, 10.0);
  }
};
struct Outer {
  int64_t count = 3;
  double tau = 0.95;
  bool strict = false;
  Inner inner;
  void fields(FieldVisitor& field) {
    field("count", count, "how many", 1, 10);
    field("tau", tau, "confidence", 0.0, 1.0);
    field("strict", strict, "be strict");
    field("inner", inner, "a table");
  }
};

TEST(Config, KeepsDefaultsThatAreNotNamed) {
  const auto config = read_config<Outer>("test", Json{{"tau", 0.5}});
  EXPECT_EQ(config.tau, 0.5);
  EXPECT_EQ(config.count, 3);
  EXPECT_FALSE(config.inner.rate.has_value());
}

TEST(Config, SurvivesARoundTrip) {
  Outer config;
  config.count = 7;
  config.strict = true;
  config.inner = {"exact", 2.5};
  Json json, again;
  write_config(json, config);
  write_config(again, read_config<Outer>("test", json));
  EXPECT_EQ(json, again);
  EXPECT_EQ(again["inner"]["rate"], 2.5);
}

TEST(Config, AWholeFloatIsAWholeNumber) { EXPECT_EQ(read_config<Outer>("test", Json{{"count", 4.0}}).count, 4); }

TEST(Config, AutoEmptiesAnOptional) {
  Outer config;
  config.inner.rate = 1.0;
  read_config("test", Json::parse(R"({"inner": {"rate": "auto"}})"), config);
  EXPECT_FALSE(config.inner.rate.has_value());
}

TEST(Config, RefusesAnUnknownKeyWithTheNearestName) {
  const auto error = error_of([] { read_config<Outer>("test", Json{{"tua", 0.5}}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("unknown key 'tua'"));
  EXPECT_THAT(error.hint(), HasSubstr("tau"));
  const auto nested = error_of([] { read_config<Outer>("test", Json::parse(R"({"inner": {"mod": "fast"}})")); });
  EXPECT_THAT(nested.message(), HasSubstr("'inner.mod'"));
  EXPECT_THAT(nested.hint(), HasSubstr("mode"));
}

TEST(Config, NamesWhatItGotAndWhatItWanted) {
  const auto refused = [](const char* json) {
    return error_of([&] { read_config<Outer>("test", Json::parse(json)); }).message();
  };
  EXPECT_EQ(refused(R"({"tau": 1.5})"), "tau = 1.5: wanted a number in [0, 1]");
  EXPECT_EQ(refused(R"({"tau": "x"})"), "tau = \"x\": wanted a number");
  EXPECT_EQ(refused(R"({"count": 2.5})"), "count = 2.5: wanted a whole number");
  EXPECT_EQ(refused(R"({"count": 0})"), "count = 0: wanted a whole number in [1, 10]");
  EXPECT_EQ(refused(R"({"count": 1e300})"), "count = 1e+300: wanted a whole number in [1, 10]");
  EXPECT_EQ(refused(R"({"count": -1e19})"), "count = -1e+19: wanted a whole number in [1, 10]");
  EXPECT_EQ(refused(R"({"count": 18446744073709551615})"),
            "count = 18446744073709551615: wanted a whole number in [1, 10]");
  EXPECT_EQ(refused(R"({"strict": 1})"), "strict = 1: wanted true or false");
  EXPECT_EQ(refused(R"({"inner": 1})"), "'inner' = 1 is a value, wanted a table of keys");
  EXPECT_EQ(refused(R"({"inner": {"mode": "slow"}})"), "inner.mode = \"slow\": wanted one of fast, exact");
}

TEST(Config, DescribesEveryKey) {
  std::vector<std::string> names;
  for (const auto& info : describe_config<Outer>()) {
    names.push_back(info.name);
    EXPECT_FALSE(info.help.empty()) << info.name;
  }
  EXPECT_THAT(names, ElementsAre("count", "tau", "strict", "inner.mode", "inner.rate"));
  EXPECT_EQ(describe_config<Outer>()[4].default_value, "auto");
  EXPECT_EQ(describe_config<Outer>()[3].range, "fast|exact");
}

TEST(Config, TrainConfigHasHelpForEveryKeyAndNoneTwice) {
  std::set<std::string> names;
  for (const auto& info : describe_config<TrainConfig>()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.help.empty()) << info.name;
  }
  EXPECT_TRUE(names.contains("optimizer.lr"));
}

TEST(NearestNames, FindsSwappedLettersAndParts) {
  EXPECT_THAT(nearest_names("fixmach", {"fixmatch", "flexmatch", "supervised"}), ElementsAre("fixmatch", "flexmatch"));
  EXPECT_THAT(nearest_names("xyz", {"fixmatch"}), ElementsAre());
}

}  // namespace
}  // namespace fewlabel
