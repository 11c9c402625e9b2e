#include "plan/recipe.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// TOML tables have no order: keys sorted.
nlohmann::json sorted(const Json& json) { return nlohmann::json::parse(json.dump()); }

TEST(Toml, ReadsBackWhatItWrote) {
  const Json json = Json::parse(R"({"seed": 3, "out": "a \"b\"", "list": [1, 2.5, "x"],
                                    "train": {"minutes": 4.0, "inner": {"on": true}}, "net": {"name": "cnn"}})");
  EXPECT_EQ(sorted(parse_toml(to_toml(json), "test")), sorted(json));
}

TEST(Toml, NumbersAreShortAndStayFloats) {
  const Json json = {{"tau", 0.95}, {"lambda", 1.0}, {"eps", 1e-8}, {"big", 1e300}, {"sum", 0.1 + 0.2}};
  const std::string text = to_toml(json);
  EXPECT_THAT(text, HasSubstr("tau = 0.95\n"));
  EXPECT_THAT(text, HasSubstr("lambda = 1.0\n"));
  EXPECT_THAT(text, HasSubstr("eps = 1e-8\n"));
  const Json back = parse_toml(text, "test");
  for (const auto& [key, value] : json.items()) {
    EXPECT_TRUE(back[key].is_number_float()) << key;
    EXPECT_EQ(back[key].get<double>(), value.get<double>()) << key;
  }
}

TEST(Toml, ListsOfTablesReadBack) {
  const Json json = Json::parse(R"({"out": "x", "stage": [{"init": "", "method": {"name": "simclr"}},
                                    {"method": {"name": "freematch", "tau": 0.5}, "train": {"steps": 3}}]})");
  EXPECT_EQ(sorted(parse_toml(to_toml(json), "test")), sorted(json));
}

TEST(Override, ReachesOneStage) {
  Json json = Json::parse(R"({"stage": [{}, {"method": {"name": "freematch"}}]})");
  for (const char* text : {"stage.2.method.tau=0.9", "stage.1.method=simclr", "stage.2.data=photos"})
    apply_override(json, text);
  EXPECT_EQ(json["stage"][0]["method"]["name"], "simclr");
  EXPECT_EQ(json["stage"][1]["method"], (Json{{"name", "freematch"}, {"tau", 0.9}}));
  EXPECT_EQ(json["stage"][1]["data"]["path"], "photos");
  EXPECT_THAT(error_of([&] { apply_override(json, "stage.3.seed=1"); }).hint(), HasSubstr("1 to 2"));
  EXPECT_EQ(error_of([&] { apply_override(json, "stage.2=1"); }).kind(), ErrorKind::usage);
}

TEST(Toml, AnErrorNamesLineAndColumn) {
  const auto error = error_of([] { parse_toml("a = 1\nb = = 2\n", "my.toml"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_EQ(error.where(), "my.toml");
  EXPECT_THAT(error.message(), HasSubstr("line 2"));
}

TEST(Override, ReachesNestedKeysAndKeepsTypes) {
  Json json = Json::object();
  for (const char* text : {"method.tau=0.9", "train.steps=100", "data.strict=true", "out=runs/a b"})
    apply_override(json, text);
  EXPECT_EQ(json["method"]["tau"], 0.9);
  EXPECT_EQ(json["train"]["steps"], 100);
  EXPECT_EQ(json["data"]["strict"], true);
  EXPECT_EQ(json["out"], "runs/a b");
}

TEST(Override, HasShortFormsForDataNetAndMethod) {
  Json json = Json::object();
  for (const char* text : {"data=photos@40:seed=1", "net=wrn_28_2", "method=fixmatch", "method.tau=0.8"})
    apply_override(json, text);
  EXPECT_EQ(json["data"]["path"], "photos@40:seed=1");
  EXPECT_EQ(json["net"]["name"], "wrn_28_2");
  EXPECT_EQ(json["method"], (Json{{"name", "fixmatch"}, {"tau", 0.8}}));
}

TEST(Override, AFolderCalledLikeANumberStaysAPath) {
  Json json = Json::object();
  apply_override(json, "data=2024");
  EXPECT_EQ(json["data"]["path"], "2024");
}

TEST(Override, WhatNamesFilesOrClassesIsText) {
  Json json = Json::parse(R"({"stage": [{}, {}]})");
  for (const char* text : {"data.virtual=2025", "data.classes=7", "init=1e5", "stage.2.data=2024", "stage.1.out=true",
                           "stage.2.data.virtual=3", "stage.2.init=12", "stage.2.seed=4"})
    apply_override(json, text);
  EXPECT_EQ(json["data"], (Json{{"virtual", "2025"}, {"classes", "7"}}));
  EXPECT_EQ(json["init"], "1e5");
  EXPECT_EQ(json["stage"][0], (Json{{"out", "true"}}));
  EXPECT_EQ(json["stage"][1]["data"], (Json{{"path", "2024"}, {"virtual", "3"}}));
  EXPECT_EQ(json["stage"][1]["init"], "12");
  EXPECT_EQ(json["stage"][1]["seed"], 4);
}

TEST(Override, WithoutAnEqualsSignIsRefused) {
  Json json = Json::object();
  EXPECT_EQ(error_of([&] { apply_override(json, "photos"); }).kind(), ErrorKind::usage);
}

TEST(Recipe, OverridesWin) {
  const TemporaryFolder folder;
  write_file(folder / "r.toml", "method = \"fixmatch\"\n[train]\nsteps = 5\n", Durability::atomic);
  const auto config = train_config(read_recipe(folder / "r.toml", {"train.steps=7"}));
  EXPECT_EQ(config.train.steps, 7);
  EXPECT_EQ(config.method["name"], "fixmatch");
}

TEST(Recipe, AMissingFileIsAUsageError) {
  const auto error = error_of([] { read_recipe("/nowhere.toml", {}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("fewlabel recipes"));
}

TEST(Recipe, AValueInPlaceOfATableIsAUsageError) {
  EXPECT_EQ(error_of([] { read_recipe("", {"train=3"}); }).message(), "train = 3 is a value, wanted a table of keys");
  const TemporaryFolder folder;
  write_file(folder / "r.toml", "[[stage]]\nmethod = \"simclr\"\n", Durability::atomic);
  EXPECT_EQ(error_of([&] { read_recipe(folder / "r.toml", {"stage.1.augment=flip"}); }).where(), "stage 1, config");
  for (const char* text : {"stage = 3\n", "stage = [1, 2]\n"}) {
    write_file(folder / "r.toml", text, Durability::atomic);
    EXPECT_EQ(error_of([&] { read_recipe(folder / "r.toml", {}); }).kind(), ErrorKind::usage) << text;
  }
}

/// What is said to a key that nobody knows.
std::string hint_for(const std::string& override_text) {
  const std::vector<std::string> method_keys = {"method.tau", "method.mu", "method.tau", "method.steps"};
  return error_of([&] { train_config(read_recipe("", {override_text}), method_keys); }).hint();
}

TEST(Recipe, AnUnknownKeyIsFoundInWhateverTableItBelongs) {
  EXPECT_EQ(hint_for("strict=true"), "did you mean data.strict?");
  EXPECT_EQ(hint_for("classes=a,b"), "did you mean data.classes?");
  EXPECT_EQ(hint_for("cache_mb=10"), "did you mean data.cache_mb?");
  EXPECT_EQ(hint_for("lr=0.1"), "did you mean optimizer.lr?");
  EXPECT_EQ(hint_for("train.lr=0.1"), "did you mean optimizer.lr?");
  EXPECT_EQ(hint_for("optimiser.lr=0.1"), "did you mean optimizer.lr?");
  EXPECT_THAT(hint_for("optimiser.name=sgd"), ::testing::StartsWith("did you mean optimizer.name"));
  EXPECT_EQ(hint_for("batch=8"), "did you mean train.batch?");
  EXPECT_EQ(hint_for("minutes=3"), "did you mean train.minutes?");
  EXPECT_EQ(hint_for("steps=20"), "did you mean train.steps, method.steps?");
  EXPECT_EQ(hint_for("tau=0.9"), "did you mean method.tau?");
  EXPECT_EQ(hint_for("methd=fixmatch"), "did you mean method?");
  EXPECT_THAT(hint_for("minuts=3"), HasSubstr("train.minutes"));
  EXPECT_THAT(hint_for("train.minuts=3"), HasSubstr("train.minutes"));
}

TEST(Recipe, AKeyLikeNoOtherListsThoseOfItsTable) {
  const std::string root = hint_for("something_else_entirely=1");
  EXPECT_THAT(root, ::testing::StartsWith("known: out, seed"));
  EXPECT_THAT(root, HasSubstr(", method"));
  EXPECT_THAT(hint_for("data.zzzzzzzzz=1"), ::testing::StartsWith("known: path, test"));
}

TEST(Recipe, ConfigSurvivesToml) {
  TrainConfig config;
  config.method = Json{{"name", "freematch"}, {"mu", 7}};
  config.train.minutes = 4;
  const Json json = to_json(config);
  EXPECT_EQ(sorted(to_json(train_config(parse_toml(to_toml(json), "test")))), sorted(json));
}

TEST(TrainConfig, WordsOfOtherProgramsLeadToOurs) {
  const auto hint = [](const Json& recipe) { return error_of([&] { train_config(recipe); }).hint(); };
  EXPECT_EQ(hint({{"gpu", 0}}), "did you mean train.device=cuda?");
  EXPECT_EQ(hint({{"batch_size", 64}}), "did you mean train.batch=64?");
  EXPECT_EQ(hint({{"train", {{"learning_rate", 0.1}}}}), "did you mean optimizer.lr=0.1?");
  EXPECT_THAT(hint({{"epochs", 10}}), HasSubstr("train.steps"));
  EXPECT_THAT(hint({{"lr", 0.1}}), HasSubstr("did you mean optimizer.lr?")) << "a key of ours in another table";
}

}  // namespace
}  // namespace fewlabel
