#include "plan/resolve.h"

#include <gmock/gmock.h>

#include "helpers.h"

namespace fewlabel {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

PlanFacts small_grey() {
  return {.found = {28, 28, 1}, .labeled = 100, .unlabeled = 59900, .classes = 10, .threads = 2};
}
TrainConfig empty() {
  TrainConfig config;
  config.method = Json::object();
  return config;
}

TEST(Resolve, LeavesNothingOpenButTheStepsOfATimeBudget) {
  const auto plan = resolve(empty(), small_grey());
  Json json;
  write_config(json, plan.config);
  const Json flat = json.flatten();
  std::string open;
  for (const auto& [key, value] : flat.items())
    if (value == "auto" && key != "/net/stem") open += key + " ";
  EXPECT_EQ(open, "/baseline_minutes /baseline_steps /train/steps ");
}

TEST(Resolve, PicksByTheImages) {
  const auto small = resolve(empty(), small_grey()).config;
  EXPECT_EQ(*small.net.name, "cnn");
  EXPECT_EQ(*small.data.size, 28);
  EXPECT_EQ(*small.data.channels, 1);
  EXPECT_THAT(*small.augment.weak, Not(HasSubstr("flip")));

  PlanFacts photos = small_grey();
  photos.found = {375, 500, 3};
  const auto large = resolve(empty(), photos).config;
  EXPECT_EQ(*large.net.name, "resnet18");
  EXPECT_EQ(*large.data.size, 224);
  EXPECT_THAT(*large.augment.weak, HasSubstr("flip"));
}

TEST(Resolve, ClipsTheGradientOfNetsWithoutBatchNorm) {
  for (const auto& [net, clip] : {std::pair{"seed_cnn", 1.0}, {"mlp", 1.0}, {"cnn", 0.0}, {"wrn_28_2", 0.0}}) {
    TrainConfig config = empty();
    config.net.name = net;
    EXPECT_EQ(*resolve(config, small_grey()).config.optimizer.clip, clip) << net;
  }
}

TEST(Resolve, WithoutUnlabelledExamplesThereIsNothingToCorrect) {
  PlanFacts facts = small_grey();
  facts.unlabeled = 0;
  EXPECT_EQ(resolve(empty(), facts).config.method["name"], "supervised");
  EXPECT_EQ(resolve(empty(), small_grey()).config.method["name"], "freematch");
}

TEST(Resolve, TakesTheGpuAndWhatItMultiplies) {
  PlanFacts facts = small_grey();
  EXPECT_EQ(*resolve(empty(), facts).config.train.device, "cpu");
  facts.gpu = facts.gpu_bf16 = true;
  const Plan plan = resolve(empty(), facts);
  EXPECT_EQ(*plan.config.train.device, "cuda");
  EXPECT_EQ(*plan.config.train.precision, "bf16");
  EXPECT_THAT(plan.choices, Contains(HasSubstr("the GPU multiplies bf16")));
  auto config = empty();
  config.train.device = "cpu";
  EXPECT_EQ(*resolve(config, facts).config.train.precision, "fp32");
}

TEST(Resolve, NeverOverrulesTheUser) {
  auto config = empty();
  config.net.name = "mlp";
  config.augment.weak = "none";
  config.train.steps = 12;
  const auto plan = resolve(config, small_grey());
  EXPECT_EQ(*plan.config.net.name, "mlp");
  EXPECT_EQ(*plan.config.augment.weak, "none");
  EXPECT_EQ(*plan.config.train.steps, 12);
  EXPECT_THAT(plan.choices, Not(Contains(HasSubstr("net.name"))));
}

TEST(Resolve, AShortRunGetsShortSettingsAndALongOneThePapers) {
  const auto brief = resolve(empty(), small_grey()).config;
  EXPECT_EQ(*brief.optimizer.schedule, "cosine");
  auto config = empty();
  config.train.steps = 1 << 20;
  const auto paper = resolve(config, small_grey()).config;
  EXPECT_EQ(*paper.optimizer.schedule, "cosine_7_16");
  EXPECT_EQ(*paper.optimizer.lr, 0.03);
  EXPECT_EQ(*paper.train.batch, 64);
}

TEST(Resolve, SaysWhatItPicked) {
  EXPECT_THAT(resolve(empty(), small_grey()).choices, Contains(HasSubstr("net.name = cnn")));
}

}  // namespace
}  // namespace fewlabel
