// Data without labels, and data that is damaged and does not fit the cache.
#include "app/setup.h"

#include <gmock/gmock.h>

#include <set>

#include "app/app.h"
#include "app/tiny.h"
#include "helpers.h"
#include "modalities/image/decode/encode.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

void write_grey(const std::string& path, int value, bool whole = true) {
  const std::string png = encode_png({8, 8, 1, std::vector<uint8_t>(64, static_cast<uint8_t>(value))});
  testing::put(path, whole ? png : png.substr(0, png.size() - 20));
}

DataPlan config_of(const std::string& path) {
  DataPlan config;
  config.path = path;
  config.size = 8;
  config.channels = 1;
  config.disk_cache_mb = 0;
  return config;
}

TEST(Setup, OpensAFolderWithoutAnyLabel) {
  for (const std::string inside : {"", "unlabeled/"}) {
    const TemporaryFolder folder;
    for (int i = 0; i < 3; ++i) write_grey(folder / (inside + std::to_string(i) + ".png"), i);
    const DataPlan config = config_of(folder.path());
    PreparedData data = open_data(config, /*labels_needed=*/false);
    load_data(data, config, 1);
    EXPECT_EQ(data.labeled.size(), 0);
    EXPECT_EQ(data.unlabeled.size(), 3);
    EXPECT_EQ(data.judge, Judge::none);
    EXPECT_EQ(describe_data(data).at("classes"), Json::array());
    EXPECT_TRUE(class_share(data).empty());
    EXPECT_EQ(error_of([&] { open_data(config); }).kind(), ErrorKind::data);
    EXPECT_THAT(error_of([&] { open_data(config_of(config.path + "@2"), false); }).message(),
                HasSubstr("no example has a label"));
  }
}

TEST(Setup, TakesTheLabelsThereAreWhereNoneIsNeeded) {
  const TemporaryFolder folder;
  write_grey(folder / "cat/0.png", 1);
  write_grey(folder / "unlabeled/1.png", 2);
  DataPlan config = config_of(folder.path());
  config.classes = "cat,dog";  // no dog has a label
  const PreparedData data = open_data(config, /*labels_needed=*/false);
  EXPECT_THAT(data.labeled.index, ElementsAre(0));
  EXPECT_THAT(data.unlabeled.index, ElementsAre(1));
}

TEST(Setup, TakesThePoolsSharesFromWhoKnowsThem) {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) write_grey(folder / ("cat/" + std::to_string(i) + ".png"), i);
  write_grey(folder / "dog/0.png", 9);
  DataPlan config = config_of(folder.path());
  const PreparedData data = open_data(config);
  EXPECT_TRUE(pool_share(data, "auto").empty());
  EXPECT_THAT(pool_share(data, "labels"), ElementsAre(0.75, 0.25));
  EXPECT_THAT(pool_share(data, "uniform"), ElementsAre(0.5, 0.5));
  EXPECT_THAT(pool_share(data, "30, 10"), ElementsAre(0.75, 0.25));
  for (const auto& [shares, message] :
       std::vector<std::pair<std::string, std::string>>{{"1,2,3", "given: 3, classes: 2"},
                                                        {"0.9", "given: 1, classes: 2"},
                                                        {"1,0", "0 is not above 0"},
                                                        {"1,inf", "inf is not above 0"},
                                                        {"1,2x", "'2x' is no number"},
                                                        {"equal", "'equal' is no"},
                                                        {"", "'' is no number"}}) {
    config.shares = shares;
    const Error error = error_of([&] { open_data(config); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_EQ(error.where(), "data.shares");
    EXPECT_THAT(error.message(), HasSubstr(message));
    EXPECT_THAT(error.hint(), HasSubstr("cat, dog"));
  }
}

TEST(Setup, LearnsFromAFolderWithoutAnyLabel) {
  const TemporaryFolder folder;
  for (int i = 0; i < 16; ++i) write_grey(folder / ("photos/" + std::to_string(i) + ".png"), 10 * i);
  const Json summary = train(testing::tiny_training(folder / "photos", folder / "run", "autoencoder"));
  EXPECT_EQ(summary.at("unlabeled"), 16);
  EXPECT_EQ(summary.at("classes"), 0);
  EvaluateRequest probe;
  probe.run = folder / "run";
  probe.probes = {"knn"};
  EXPECT_THAT(error_of([&] { evaluate(probe); }).message(), HasSubstr("no labelled examples to judge by"));
}

TEST(Setup, LeavesDamageOutOfWhatIsLearntFromAndJudgedCachedOrNot) {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) {
    write_grey(folder / ("train/cat/" + std::to_string(i) + ".png"), i, i != 1);
    write_grey(folder / ("train/dog/" + std::to_string(i) + ".png"), i);
    write_grey(folder / ("test/dog/" + std::to_string(i) + ".png"), i, i != 2);
  }
  for (const int64_t cache_mb : {0, 100}) {
    DataPlan config = config_of(folder.path());
    config.cache_mb = cache_mb;
    PreparedData data = open_data(config);
    load_data(data, config, 2);
    EXPECT_THAT(data.labeled.index, ElementsAre(0, 2, 3, 4, 5, 6, 7)) << cache_mb;
    EXPECT_THAT(data.judged.index, ElementsAre(0, 1, 3)) << cache_mb;
    EXPECT_EQ(describe_data(data).at("labeled"), 7);
    EXPECT_EQ(describe_data(data).at("damaged").at("count"), 2);
  }
}

TEST(Folds, HoldEveryLabelOutOnceAndLeaveEachClassOne) {
  PreparedData data;
  data.dataset.classes = {"a", "b", "c"};
  for (const int32_t label : {0, 0, 0, 0, 0, 1, 1, 2}) {
    data.labeled.index.push_back(static_cast<int64_t>(data.labeled.index.size()));
    data.labeled.label.push_back(label);
  }
  EXPECT_EQ(possible_folds(data), 4);
  std::multiset<int64_t> held_out;
  for (int64_t fold = 1; fold <= 4; ++fold) {
    const PreparedData rest = without_fold(data, fold, 4, 1);
    EXPECT_EQ(rest.labeled.size() + rest.judged.size(), 8);
    EXPECT_EQ(std::set<int32_t>(rest.labeled.label.begin(), rest.labeled.label.end()).size(), 3u) << fold;
    held_out.insert(rest.judged.index.begin(), rest.judged.index.end());
  }
  EXPECT_THAT(held_out, ElementsAre(0, 1, 2, 3, 4, 5, 6));  // the only one of its class never
}

TEST(Folds, AreImpossibleWithOneLabelEach) {
  PreparedData data;
  data.dataset.classes = {"a", "b"};
  data.labeled = {{0, 1}, {0, 1}};
  EXPECT_EQ(possible_folds(data), 0);
}

}  // namespace
}  // namespace fewlabel
