// Evaluation on data that a run learnt from, from outside.
#include "app/learnt_from.h"

#include <gmock/gmock.h>

#include "app/app.h"
#include "app/tiny.h"
#include "core/files.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "modalities/image/decode/encode.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

void write_noise(const std::string& path, uint64_t seed) {
  Random random({.seed = seed, .purpose = "test"});
  std::vector<uint8_t> pixels(64);
  for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random.below(256));
  testing::put(path, encode_png({8, 8, 1, pixels}));
}

/// 2 × 4 labelled pictures, 6 without a label; the same pictures under other names, with labels; and others.
struct Evaluated : ::testing::Test {
  TemporaryFolder folder;
  Json summary;

  Evaluated() {
    for (uint64_t i = 0; i < 4; ++i) {
      write_noise(folder / ("photos/cat/" + std::to_string(i) + ".png"), i);
      write_noise(folder / ("photos/dog/" + std::to_string(i) + ".png"), 10 + i);
    }
    for (uint64_t i = 0; i < 6; ++i) write_noise(folder / ("photos/unlabeled/" + std::to_string(i) + ".png"), 20 + i);
    summary = train(testing::tiny_training(folder / "photos", folder / "run", "fixmatch"));
  }

  Json on(const std::string& data) const {
    EvaluateRequest request;
    request.run = folder / "run";
    request.data = folder / data;
    return evaluate(request);
  }
  static std::string notes(const Json& result) { return result.value("notes", Json::array()).dump(); }
};

TEST_F(Evaluated, OnItsOwnLabelsIsRefused) {
  const Error error = error_of([&] { on("photos"); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.message(), HasSubstr("all 8 labelled examples are ones that the run learnt from"));
}

TEST_F(Evaluated, LabelsThatItLearntAreLeftOutWhateverTheyAreCalled) {
  write_noise(folder / "mixed/cat/new-name.png", 0);
  write_noise(folder / "mixed/dog/a.png", 100);
  write_noise(folder / "mixed/dog/b.png", 101);
  const Json result = on("mixed");
  EXPECT_EQ(result.at("left_out"), 1);
  EXPECT_EQ(result.at("test_examples"), 2);
  EXPECT_THAT(notes(result), HasSubstr("1 labelled example is left out"));
}

TEST_F(Evaluated, ThoseItLearntWithoutLabelAreToldApart) {
  for (uint64_t i = 0; i < 3; ++i) write_noise(folder / ("later/cat/" + std::to_string(i) + ".png"), 20 + i);
  write_noise(folder / "later/dog/9.png", 23);
  const Json known = on("later");
  EXPECT_EQ(known.at("test_examples"), 4);
  EXPECT_FALSE(known.contains("unseen"));
  EXPECT_THAT(notes(known), HasSubstr("never saw their labels"));
  write_noise(folder / "later/dog/10.png", 200);
  const Json both = on("later");
  EXPECT_EQ(both.at("learnt_unlabelled").at("examples"), 4);
  EXPECT_EQ(both.at("unseen").at("examples"), 1);
  const double right =
      4 * both.at("learnt_unlabelled").at("accuracy").get<double>() + both.at("unseen").at("accuracy").get<double>();
  EXPECT_NEAR(right, 5 * both.at("accuracy").get<double>(), 1e-9);
}

TEST_F(Evaluated, OnOtherDataNeedsNoWords) {
  write_noise(folder / "other/cat/a.png", 300);
  write_noise(folder / "other/dog/b.png", 301);
  const Json result = on("other");
  EXPECT_FALSE(result.contains("notes"));
  EXPECT_FALSE(result.contains("left_out"));
}

TEST_F(Evaluated, ThoseThatASplitKeepsDoNotJudge) {
  for (uint64_t i = 0; i < 4; ++i) {
    write_noise(folder / ("other/cat/" + std::to_string(i) + ".png"), 300 + i);
    write_noise(folder / ("other/dog/" + std::to_string(i) + ".png"), 310 + i);
  }
  EXPECT_EQ(on("other@2:seed=0").at("test_examples"), 6);
}

TEST_F(Evaluated, AnOldRunSaysThatItCannotBeTold) {
  std::filesystem::remove(folder / "run/model/learnt.safetensors");
  const Json result = on("photos");
  EXPECT_EQ(result.at("test_examples"), 8);
  EXPECT_THAT(notes(result), HasSubstr("cannot be told"));
}

TEST_F(Evaluated, ARunWithoutATestSetShowsWhatItMadeOfTheUnlabelled) {
  EXPECT_FALSE(summary.contains("accuracy"));
  EXPECT_TRUE(summary.contains("label_accuracy"));
  const Json found = Json::parse(read_file(folder / "run/evaluation.json"));
  EXPECT_EQ(found.at("unlabelled").at("examples"), 6);
  EXPECT_EQ(found.at("unlabelled").at("classes").size(), 2u);
  EXPECT_THAT(read_file(folder / "run/report.html"), HasSubstr("<section id=\"unlabelled\""));
}

TEST(Learnt, SupervisedTrainingDoesNotLearnFromTheUnlabelled) {
  const TemporaryFolder folder;
  for (uint64_t i = 0; i < 4; ++i) {
    write_noise(folder / ("photos/cat/" + std::to_string(i) + ".png"), i);
    write_noise(folder / ("photos/dog/" + std::to_string(i) + ".png"), 10 + i);
    write_noise(folder / ("photos/unlabeled/" + std::to_string(i) + ".png"), 20 + i);
  }
  train(testing::tiny_training(folder / "photos", folder / "run", "supervised"));
  const auto learnt = load_learnt(folder / "run/model");
  ASSERT_TRUE(learnt);
  EXPECT_EQ(learnt->with_label.size(), 8u);
  EXPECT_TRUE(learnt->without_label.empty());
  // What went on from its weights has learnt from them as well.
  TrainRequest next = testing::tiny_training(folder / "photos", folder / "next", "fixmatch");
  next.overrides.push_back("init=" + (folder / "run"));
  next.overrides[0] = "data=" + (folder / "photos@2:seed=0");
  train(next);
  EXPECT_EQ(load_learnt(folder / "next/model")->with_label.size(), 8u);
}

TEST(Learnt, AStageHasLearntFromWhatTheStageBeforeItLearntFrom) {
  const TemporaryFolder folder;
  for (uint64_t i = 0; i < 4; ++i) {
    write_noise(folder / ("photos/cat/" + std::to_string(i) + ".png"), i);
    write_noise(folder / ("photos/dog/" + std::to_string(i) + ".png"), 10 + i);
  }
  testing::put(folder / "chain.toml", "[[stage]]\nmethod = \"supervised\"\ndata = \"" + (folder / "photos") +
                                          "\"\n"
                                          "[[stage]]\nmethod = \"fixmatch\"\ndata = \"" +
                                          (folder / "photos@2:seed=0") + "\"\n");
  TrainRequest request = testing::tiny_training("", folder / "run", "");
  std::erase_if(request.overrides, [](const std::string& text) { return text == "data=" || text == "method="; });
  request.recipe = folder / "chain.toml";
  train(request);
  EXPECT_EQ(load_learnt(folder / "run/model")->with_label.size(), 8u);
}

}  // namespace
}  // namespace fewlabel
