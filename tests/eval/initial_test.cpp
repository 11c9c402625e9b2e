#include "eval/initial.h"

#include <gmock/gmock.h>

#include "eval/saved_method.h"
#include "helpers.h"
#include "methods/toy.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::state_of;
using testing::TemporaryFolder;
using testing::Toy;

const std::vector<std::string> kClasses = {"a", "b", "c"};

Net net_with(int64_t classes, uint64_t seed, const std::string& name = "cnn") {
  NetConfig config;
  config.name = name;
  return make_net(config, Toy::kShape, classes, seed);
}

InitialNet donor(int64_t classes, const std::string& name = "cnn") {
  return {
      net_with(classes, 9, name), classes > 0 ? kClasses : std::vector<std::string>(), "runs/a", "simclr", "hash", {}};
}

/// Names of the tensors in which two nets agree.
int64_t agreeing(const NetModule& a, const NetModule& b) {
  const auto left = state_of(a), right = state_of(b);
  int64_t same = 0;
  for (const auto& [name, value] : left) same += right.contains(name) && torch::equal(value, right.at(name)) ? 1 : 0;
  return same;
}

TEST(Initial, ABackboneWithoutAHeadPassesOnAndTheHeadStartsAnew) {
  const Net net = net_with(3, 1), fresh = net_with(3, 1);
  const InitialNet from = donor(0);
  const std::string sentence = take_over(*net, kClasses, from);
  EXPECT_THAT(sentence, HasSubstr("runs/a"));
  EXPECT_THAT(sentence, HasSubstr("starts anew"));
  EXPECT_EQ(agreeing(*from.net, *net), static_cast<int64_t>(state_of(*from.net).size()));
  EXPECT_TRUE(torch::equal(state_of(*net).at("head.linear.weight"), state_of(*fresh).at("head.linear.weight")));
}

TEST(Initial, TheHeadPassesOnOnlyWithTheSameClasses) {
  const InitialNet from = donor(3);
  const Net same = net_with(3, 1), others = net_with(3, 1), none = net_with(0, 1);
  EXPECT_THAT(take_over(*same, kClasses, from), HasSubstr("head included"));
  EXPECT_TRUE(torch::equal(state_of(*same).at("head.linear.weight"), state_of(*from.net).at("head.linear.weight")));
  EXPECT_THAT(take_over(*others, {"x", "y", "z"}, from), HasSubstr("classes are others"));
  EXPECT_FALSE(torch::equal(state_of(*others).at("head.linear.weight"), state_of(*from.net).at("head.linear.weight")));
  EXPECT_THAT(take_over(*none, {}, from), HasSubstr("3 classes stays behind"));
}

TEST(Initial, AnotherNetIsRefusedInOneSentenceAndNothingIsChanged) {
  const Net net = net_with(3, 1), fresh = net_with(3, 1);
  const auto error = error_of([&] { take_over(*net, kClasses, donor(3, "mlp")); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("holds a mlp for images of 8 × 8 × 1, wanted a cnn"));
  EXPECT_EQ(agreeing(*net, *fresh), static_cast<int64_t>(state_of(*net).size()));
}

/// As a run leaves it behind.
void save_run(const TemporaryFolder& folder, Method& method, const MethodInfo& info) {
  MethodCard card;
  card.method = {{"name", info.name}};
  card.net.name = "cnn";
  card.task = Toy::task_for(info);
  card.classes = kClasses;
  save_method(folder / "model", method, card);
}

TEST(Initial, AClassifiersNetIsLoadedWithItsClasses) {
  const TemporaryFolder folder;
  const MethodInfo& info = find_method("supervised");
  const Net net = Toy::net_for(info, "cnn");
  const auto method = info.make(Json::object(), Toy::task_for(info), net);
  save_run(folder, *method, info);
  const InitialNet loaded = load_initial(folder.path());
  EXPECT_EQ(loaded.classes, kClasses);
  EXPECT_EQ(loaded.hash, read_method_card(folder.path()).hash);
  EXPECT_EQ(agreeing(*loaded.net, *net), static_cast<int64_t>(state_of(*net).size()));
}

TEST(Initial, AfterDinoItIsTheTeacher) {
  const TemporaryFolder folder;
  const MethodInfo& info = find_method("dino");
  const auto method = info.make(Json::object(), Toy::task_for(info), Toy::net_for(info, "cnn"));
  testing::ToyTrainer(*method, testing::ToyRule::of(info)).run(0, 3, 10);
  save_run(folder, *method, info);
  const auto all = state_of(*method), handed_on = state_of(*load_initial(folder.path()).net);
  EXPECT_FALSE(torch::equal(all.at("net.stages.0.conv1.weight"), all.at("teacher_net.stages.0.conv1.weight")));
  for (const auto& [name, value] : handed_on) EXPECT_TRUE(torch::equal(value, all.at("teacher_net." + name))) << name;
}

TEST(Initial, WhatIsHandedOnHasTheFeaturesThatAreEvaluated) {
  for (const MethodInfo& info : all_methods()) {
    if (info.family != "self/joint_embedding" || !info.takes(Kind::image)) continue;
    const TemporaryFolder folder;
    const auto method = info.make(Json::object(), Toy::task_for(info), Toy::net_for(info, "cnn"));
    testing::ToyTrainer(*method, testing::ToyRule::of(info)).run(0, 2, 10);
    method->eval();
    save_run(folder, *method, info);
    const Tensor x = Toy::test(8).x[0];
    const torch::NoGradGuard no_grad;
    EXPECT_TRUE(torch::allclose(load_initial(folder.path()).net->features(x),
                                dynamic_cast<Encoder&>(*method).features(x), 1e-4, 1e-5))
        << info.name;
  }
}

}  // namespace
}  // namespace fewlabel
