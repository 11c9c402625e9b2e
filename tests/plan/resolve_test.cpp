#include "plan/resolve.h"

#include <gmock/gmock.h>

#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "helpers.h"
#include "plan/recipe.h"

namespace fewlabel {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

PlanFacts small_grey() {
  return {.found = ImageShape{28, 28, 1}, .labeled = 100, .unlabeled = 59900, .classes = 10, .threads = 2};
}
TrainConfig empty() {
  TrainConfig config;
  config.method = Json::object();
  return config;
}

TEST(Resolve, PicksByTheImages) {
  const Plan small = resolve(empty(), small_grey()).plan;
  EXPECT_EQ(small.net.name, "cnn");
  EXPECT_EQ(small.data.size, 28);
  EXPECT_EQ(small.data.channels, 1);
  EXPECT_THAT(small.augment.weak, Not(HasSubstr("flip")));

  PlanFacts photos = small_grey();
  photos.found = ImageShape{375, 500, 3};
  const Plan large = resolve(empty(), photos).plan;
  EXPECT_EQ(large.net.name, "resnet18");
  EXPECT_EQ(large.data.size, 224);
  EXPECT_THAT(large.augment.weak, HasSubstr("flip"));
}

TEST(Resolve, AVisionTransformerSeesWhatItWasTrainedOnInWholePatches) {
  TrainConfig config = empty();
  config.encoder_hash = "of its weights";
  config.net.name = "vision_transformer";
  const auto side = [&](const char* shape) {
    config.net.shape = shape;
    return resolve(config, small_grey()).plan.data.size;
  };
  EXPECT_EQ(side("12x384x6x1536x16x224"), 224);
  EXPECT_EQ(side("12x384x6x1536x16x96"), 96);
  EXPECT_EQ(side("12x384x6x1536x14x518"), 224);
  EXPECT_EQ(side("12x384x6x1536x27x378"), 216);
  for (const Scale& scale : scales(config, small_grey())) EXPECT_EQ(scale.size % 27, 0) << scale.size;
  config.data.size = 54;
  EXPECT_EQ(side("12x384x6x1536x27x378"), 54);
}

TEST(Resolve, ANetThatStartsFromAnEncoderIsTrainedGently) {
  PlanFacts facts = small_grey();
  EXPECT_EQ(resolve(empty(), facts).plan.optimizer.name, "sgd");
  facts.encoder = true;
  const Resolved resolved = resolve(empty(), facts);
  EXPECT_EQ(resolved.plan.optimizer.name, "adamw");
  EXPECT_LE(resolved.plan.optimizer.lr, 1e-4);
  EXPECT_THAT(resolved.choices, Contains(HasSubstr("starts from an encoder")));
  EXPECT_EQ(resolved.plan.data.size, 128);  // small images are enlarged for what was trained on large ones
  for (const Scale& scale : scales(empty(), facts)) EXPECT_TRUE(scale.size >= 96 || scale.net == "cnn") << scale.size;
  TrainConfig own = empty();
  own.optimizer.lr = 0.3;
  EXPECT_EQ(resolve(own, facts).plan.optimizer.lr, 0.3);
}

TEST(Resolve, PicksByTheTexts) {
  PlanFacts texts = small_grey();
  texts.found = {Kind::text, Layout::Type::i32, {23}, 8000};
  const Resolved resolved = resolve(empty(), texts);
  const Plan& plan = resolved.plan;
  EXPECT_EQ(plan.net.name, "text_cnn");
  EXPECT_EQ(plan.method["name"], "uda");
  EXPECT_GT(plan.optimizer.lr, 1e-3);
  EXPECT_EQ(scales(empty(), texts), (std::vector<Scale>{{23, "text_cnn"}, {23, "bag"}}));
  EXPECT_EQ(plan.data.length, 23);
  EXPECT_EQ(plan.optimizer.name, "adamw");
  EXPECT_THAT(plan.augment.weak, HasSubstr("delete"));
  EXPECT_THAT(resolved.choices, Contains(HasSubstr("23 tokens")));
  EXPECT_THAT(resolved.choices, Not(Contains(HasSubstr("data.size"))));

  texts.found.sizes = {3000};
  EXPECT_LT(resolve(empty(), texts).plan.data.length, 1000);
  TrainConfig config = empty();
  config.data.length = 700;
  config.net.name = "bert";
  EXPECT_EQ(resolve(config, texts).plan.data.length, 700);
  EXPECT_EQ(resolve(config, texts).plan.optimizer.lr, 1e-3);
  EXPECT_EQ(scales(config, texts), (std::vector<Scale>{{700, "bert"}}));
}

TEST(Resolve, ShrinksMostImagesByAFifthAtMost) {
  for (const auto& [found, size] : {std::pair{4, 8},
                                    {28, 28},
                                    {40, 40},
                                    {50, 40},
                                    {60, 48},
                                    {80, 64},
                                    {81, 96},
                                    {120, 96},
                                    {160, 128},
                                    {200, 160},
                                    {201, 224},
                                    {4000, 224}}) {
    PlanFacts facts = small_grey();
    facts.found = ImageShape{found, found, 3};
    EXPECT_EQ(resolve(empty(), facts).plan.data.size, size) << found;
  }
}

TEST(Resolve, ABudgetMayChooseAmongSmallerImagesButNeverAgainstTheUser) {
  PlanFacts photos = small_grey();
  photos.found = ImageShape{360, 480, 3};
  TrainConfig config = empty();
  const std::vector<Scale> all = scales(config, photos);
  EXPECT_EQ(all.front(), (Scale{224, "resnet18"}));
  EXPECT_EQ(all.back(), (Scale{32, "cnn"}));
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LE(all[i].size, all[i - 1].size);
  config.net.name = "wrn_28_2";
  EXPECT_EQ(scales(config, photos).back(), (Scale{32, "wrn_28_2"}));
  config.data.size = 96;
  EXPECT_EQ(scales(config, photos), (std::vector<Scale>{{96, "wrn_28_2"}}));
  EXPECT_EQ(scales(empty(), small_grey()), (std::vector<Scale>{{28, "cnn"}}));
}

TEST(Resolve, ClipsTheGradientOfNetsWithoutBatchNorm) {
  for (const auto& [net, clip] : {std::pair{"seed_cnn", 1.0}, {"mlp", 1.0}, {"cnn", 0.0}, {"wrn_28_2", 0.0}}) {
    TrainConfig config = empty();
    config.net.name = net;
    EXPECT_EQ(resolve(config, small_grey()).plan.optimizer.clip, clip) << net;
  }
}

TEST(Resolve, WithoutUnlabelledExamplesThereIsNothingToCorrect) {
  PlanFacts facts = small_grey();
  facts.unlabeled = 0;
  EXPECT_EQ(resolve(empty(), facts).plan.method["name"], "supervised");
  EXPECT_EQ(resolve(empty(), small_grey()).plan.method["name"], "freematch");
}

TEST(Resolve, TakesTheGpuAndWhatItMultiplies) {
  PlanFacts facts = small_grey();
  facts.gpu = facts.gpu_bf16 = true;
  const Resolved resolved = resolve(empty(), facts);
  EXPECT_EQ(resolved.plan.train.precision, "bf16");
  EXPECT_THAT(resolved.choices, Contains(HasSubstr("the GPU multiplies bf16")));
  EXPECT_THAT(resolved.choices, Contains(HasSubstr("train.device = cuda")));
  auto config = empty();
  config.train.device = "cpu";
  EXPECT_EQ(resolve(config, facts).plan.train.precision, "fp32");
}

TEST(Resolve, NeverOverrulesTheUser) {
  auto config = empty();
  config.net.name = "mlp";
  config.augment.weak = "none";
  config.train.steps = 12;
  const auto [plan, choices] = resolve(config, small_grey());
  EXPECT_EQ(plan.net.name, "mlp");
  EXPECT_EQ(plan.augment.weak, "none");
  EXPECT_EQ(plan.train.steps, 12);
  EXPECT_EQ(plan.train.minutes, 0);
  EXPECT_THAT(choices, Not(Contains(HasSubstr("net.name"))));
}

TEST(Resolve, APresetDecidesWhatNobodySays) {
  PlanFacts facts = small_grey();
  const Plan brief = resolve(empty(), facts).plan;
  EXPECT_EQ(brief.optimizer.schedule, "cosine");
  EXPECT_EQ(brief.preset, "short");
  facts.preset = Preset::paper;
  const Plan paper = resolve(empty(), facts).plan;
  EXPECT_EQ(paper.optimizer.schedule, "cosine_7_16");
  EXPECT_EQ(paper.optimizer.lr, 0.03);
  EXPECT_EQ(paper.train.batch, 64);
  EXPECT_EQ(paper.preset, "paper");
}

TEST(Preset, IsByTheStepsUnlessSomebodySaysIt) {
  EXPECT_EQ(preset_of(Json::object()), Preset::brief);
  EXPECT_EQ(preset_of({{"train", {{"steps", kLongRun}}}}), Preset::paper);
  EXPECT_EQ(preset_of({{"train", {{"steps", kLongRun - 1}}}}), Preset::brief);
  EXPECT_EQ(preset_of({{"preset", "paper"}, {"train", {{"steps", 5}}}}), Preset::paper);
  EXPECT_EQ(preset_of({{"preset", "short"}, {"train", {{"steps", kLongRun}}}}), Preset::brief);
  EXPECT_EQ(testing::error_of([] { preset_of({{"preset", "long"}}); }).kind(), ErrorKind::usage);
}

TEST(Resolve, SaysWhatItPicked) {
  EXPECT_THAT(resolve(empty(), small_grey()).choices, Contains(HasSubstr("net.name = cnn")));
}

TEST(Plan, IsTheSameAfterItWasSaved) {
  Plan plan = resolve(empty(), small_grey()).plan;
  plan.method = Json{{"name", "freematch"}, {"mu", 5}, {"decay", 0.99}};
  plan.stage = "estimate-2";
  plan.fold = 2;
  plan.folds = 4;
  plan.train.minutes = 0.1;
  const std::string text = plan_text(plan);
  EXPECT_EQ(plan_text(parse_plan(text, "plan.toml")), text);
  EXPECT_THAT(text, Not(HasSubstr("auto\"\n[")));
  for (const char* key : {"\nout =", "device", "workers", "checkpoint"}) EXPECT_THAT(text, Not(HasSubstr(key))) << key;
  EXPECT_EQ(testing::error_of([] { parse_plan("seed = 1", "plan.toml"); }).kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel
