// Generators by flow matching and the virtual examples they make, against slow oracles.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "fewlabel/error.h"
#include "helpers.h"
#include "methods/common/flow.h"
#include "methods/common/pixels.h"
#include "methods/common/sampling.h"
#include "methods/common/virtual_pool.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

FlowConfig tiny() {
  FlowConfig config;
  config.width = 8;
  return config;
}
UNet same_net() {
  return make_unet({.shape = Toy::kShape, .classes = Toy::kClasses, .width = 8, .seed = Toy::task().seed});
}

TEST(Flow, LossIsTheSquaredErrorOfTheVelocity) {
  FlowConfig config = tiny();
  config.drop = 0.5;
  Flow flow(config, Toy::task());
  const Tensor x = Pixels(Toy::task())->from_pixels(torch::rand({5, 1, 8, 8})),
               condition = torch::tensor({0L, 1L, -1L, 2L, 2L});
  torch::manual_seed(3);
  const double loss = flow->loss(x, condition).item<double>();

  torch::manual_seed(3);
  const Tensor noise = torch::randn({5, 1, 8, 8}), drop = torch::rand({5}), normal = torch::randn({5});
  double sum = 0;
  for (int64_t i = 0; i < 5; ++i) {
    const double t = 1.0 / (1.0 + std::exp(-normal[i].item<double>()));
    const Tensor data = Pixels(Toy::task())->to_pixels(x)[i] * 2 - 1;
    int64_t c = condition[i].item<int64_t>();
    if (c < 0 || drop[i].item<double>() < 0.5) c = Toy::kClasses;
    const Tensor v = same_net()->forward(((1 - t) * noise[i] + t * data).unsqueeze(0),
                                         torch::full({1}, t, torch::kFloat), torch::full({1}, c, torch::kLong));
    sum += (v[0] - (data - noise[i])).square().sum().item<double>();
  }
  EXPECT_NEAR(loss, sum / (5 * 64), 1e-5);
}

TEST(Flow, OneEulerStepFollowsTheGuidedVelocity) {
  FlowConfig config = tiny();
  config.sample_steps = 1;
  config.solver = "euler";
  for (const double guidance : {1.0, 2.5}) {
    config.guidance = guidance;
    Flow flow(config, Toy::task());
    const Tensor condition = torch::tensor({0L, 2L}), none = torch::full({2}, Toy::kClasses, torch::kLong);
    const Tensor x = seeded_normal({2, 1, 8, 8}, 9), t = torch::zeros({2});
    const Tensor with = same_net()->forward(x, t, condition), without = same_net()->forward(x, t, none);
    const Tensor expected = (x + without + guidance * (with - without) + 1) / 2;
    EXPECT_TRUE(torch::allclose(flow->sample(condition, 9), expected.clamp(0, 1), 1e-4, 1e-5));
  }
}

TEST(Flow, HeunUsesTheMeanOfTwoVelocities) {
  FlowConfig config = tiny();
  config.sample_steps = 2;
  config.guidance = 1.0;
  Flow flow(config, Toy::task());
  const Tensor condition = torch::tensor({1L}), x0 = seeded_normal({1, 1, 8, 8}, 2);
  const auto v = [&](const Tensor& x, float t) { return same_net()->forward(x, torch::tensor({t}), condition); };
  const Tensor first = v(x0, 0.0F), half = x0 + 0.25 * (first + v(x0 + 0.5 * first, 0.5F));
  const Tensor whole = half + 0.5 * v(half, 0.5F);
  EXPECT_TRUE(torch::allclose(flow->sample(condition, 2), ((whole + 1) / 2).clamp(0, 1), 1e-4, 1e-5));
}

TEST(Flow, SamplesWithTheAverage) {
  FlowConfig config = tiny();
  config.decay = 0.6;
  Flow flow(config, Toy::task());
  const Tensor start = flow->trained()[0].detach().clone();
  std::vector<Tensor> averaged;
  for (const auto& item : flow->named_parameters())
    if (item.key().starts_with("average")) averaged.push_back(item.value());
  EXPECT_EQ(averaged.size(), flow->trained().size());
  for (const auto& parameter : averaged) EXPECT_FALSE(parameter.requires_grad());
  const torch::NoGradGuard no_grad;
  Tensor(flow->trained()[0]).add_(1);
  flow->updated();  // decay (1 + 0) / (10 + 0)
  EXPECT_TRUE(torch::allclose(averaged[0], start + 0.9));
  for (int i = 0; i < 20; ++i) flow->updated();
  Tensor(flow->trained()[0]).add_(1);
  flow->updated();  // by now 0.6
  EXPECT_TRUE(torch::allclose(averaged[0], start + 1.4, 1e-4, 1e-3));
}

TEST(Sampling, AClassThatThereIsNotIsRefused) {
  EXPECT_TRUE(torch::equal(requested_classes({.count = 5}, Toy::task()), torch::tensor({0L, 1L, 2L, 0L, 1L})));
  EXPECT_TRUE(torch::equal(requested_classes({.count = 2, .label = 2}, Toy::task()), torch::tensor({2L, 2L})));
  EXPECT_EQ(error_of([] { requested_classes({.count = 1, .label = 3}, Toy::task()); }).kind(), ErrorKind::usage);
}

Views labeled_batch() {
  return {{torch::full({3, 1, 8, 8}, 1.0F), torch::full({3, 1, 8, 8}, 2.0F)},
          torch::tensor({0L, 1L, 2L}),
          torch::tensor({4L, 5L, 6L})};
}

TEST(VirtualPool, LabelledExamplesStandInUntilThereAreVirtualOnes) {
  VirtualPool pool(VirtualPoolOptions{.capacity = 4, .batch = 5, .views = 2}, Toy::task());
  pool->prepare();
  const Views all = pool->join(labeled_batch());
  EXPECT_TRUE(torch::equal(all.y, torch::tensor({0L, 1L, 2L, 0L, 1L, 2L, 0L, 1L})));
  EXPECT_TRUE(torch::equal(all.index, torch::tensor({4L, 5L, 6L, 4L, 5L, 6L, 4L, 5L})));
  EXPECT_TRUE(all.x[0].eq(1).all().item<bool>() && all.x[1].eq(2).all().item<bool>());
}

TEST(VirtualPool, JoinsVirtualExamplesNormalisedAndNumberedAfterTheLabelled) {
  VirtualPool pool(VirtualPoolOptions{.capacity = 4, .batch = 50, .views = 2}, Toy::task());
  const Tensor pixels = torch::tensor({0.2F, 0.4F}).view({2, 1, 1, 1}).expand({2, 1, 8, 8});  // 51 and 102 of 255
  pool->add(pixels, torch::tensor({1L, 2L}));
  pool->prepare();
  const Views all = pool->join(labeled_batch());
  EXPECT_TRUE(torch::equal(all.y.slice(0, 0, 3), torch::tensor({0L, 1L, 2L})));
  const Tensor y = all.y.slice(0, 3), slot = all.index.slice(0, 3) - Toy::kLabeled;
  EXPECT_GT(y.eq(1).sum().item<int64_t>(), 5);
  EXPECT_GT(y.eq(2).sum().item<int64_t>(), 5);
  EXPECT_TRUE(torch::equal(slot, y - 1));
  for (const auto& view : all.x)
    for (int64_t i = 3; i < 53; ++i)
      EXPECT_NEAR(view[i][0][3][3].item<double>(), (0.2 * all.y[i].item<double>() - 0.25) / 0.2, 1e-5);
}

TEST(VirtualPool, TheOldestMakeRoom) {
  VirtualPool pool(VirtualPoolOptions{.capacity = 3, .batch = 60, .views = 2}, Toy::task());
  const Tensor pixels = torch::zeros({2, 1, 8, 8});
  pool->add(pixels, torch::tensor({0L, 0L}));
  pool->add(pixels, torch::tensor({1L, 1L}));  // takes slot 2, then 0
  pool->prepare();
  const Views all = pool->join(labeled_batch());
  for (int64_t i = 3; i < 63; ++i)
    EXPECT_EQ(all.y[i].item<int64_t>(), all.index[i].item<int64_t>() == Toy::kLabeled + 1 ? 0 : 1);
}

TEST(VirtualPool, ViewsDifferAndEveryDrawIsAnother) {
  VirtualPool pool(VirtualPoolOptions{.capacity = 1, .batch = 2, .views = 2, .policy = "crop(0.5)"}, Toy::task());
  pool->add(torch::arange(64).view({1, 1, 8, 8}) / 64.0, torch::tensor({1L}));
  pool->prepare();
  const Views first = pool->join(labeled_batch());
  pool->prepare();
  const Views second = pool->join(labeled_batch());
  EXPECT_FALSE(torch::equal(first.x[0][3], first.x[1][3]));
  EXPECT_FALSE(torch::equal(first.x[0][3], first.x[0][4]));
  EXPECT_FALSE(torch::equal(first.x[0][3], second.x[0][3]));
}

TEST(VirtualData, FeedsEveryCorrector) {
  const auto& fields = find_method("virtual_data").fields;
  const auto corrector =
      std::find_if(fields.begin(), fields.end(), [](const auto& f) { return f.name == "corrector"; });
  std::istringstream choices(corrector->range);
  std::vector<std::string> fed, correcting = {"supervised"};
  for (const MethodInfo& info : all_methods())
    if (info.family == "semi/correcting" && info.name != "ladder" && !info.transcribes) correcting.push_back(info.name);
  for (std::string name; std::getline(choices, name, '|');) {
    SCOPED_TRACE(name);
    fed.push_back(name);
    const Json config = {{"corrector", name},  {"width", 8}, {"every", 1},   {"made", 6},
                         {"virtual_batch", 5}, {"pool", 12}, {"start", 0.0}, {"sample_steps", 1}};
    const auto method = find_method("virtual_data").make(config, Toy::task(), Toy::net());
    ToyTrainer trainer(*method, ToyRule{.rate = 1e-3, .adam = true});
    trainer.run(0, 3, 100);
    const auto state = state_of(*method);
    EXPECT_EQ(state.at("pool.made").item<int64_t>(), 18);
    EXPECT_EQ(state.at("pool.ready").item<int64_t>(), 1);
    EXPECT_TRUE(torch::equal(state.at("pool.label").slice(0, 0, 6), torch::tensor({0L, 1L, 2L, 0L, 1L, 2L})));
  }
  EXPECT_THAT(fed, ::testing::UnorderedElementsAreArray(correcting));
}

TEST(VirtualData, GivesTheCorrectorItsSettingsOfShortRunsInShortRunsAlone) {
  const auto with_steps = [](int64_t steps) {
    Task task = Toy::task();
    task.steps = steps;
    return find_method("virtual_data").make({{"corrector", "freematch"}, {"width", 8}}, task, Toy::net());
  };
  const auto brief = with_steps(3000), whole = with_steps(1 << 20);
  EXPECT_EQ(brief->needs().labeled[0], "strong");
  EXPECT_TRUE(brief->named_parameters().contains("corrector.rotation.head.weight"));
  EXPECT_EQ(whole->needs().labeled[0], "weak");
  EXPECT_FALSE(whole->named_parameters().contains("corrector.rotation.head.weight"));
}

TEST(VirtualData, MakesNoneBeforeItsStart) {
  const Json config = {{"corrector", "supervised"}, {"width", 8}, {"every", 1}, {"made", 3}, {"start", 0.5},
                       {"sample_steps", 1}};
  const auto method = find_method("virtual_data").make(config, Toy::task(), Toy::net());
  ToyTrainer trainer(*method, ToyRule{.rate = 1e-3, .adam = true});
  trainer.run(0, 4, 10);
  EXPECT_EQ(state_of(*method).at("pool.made").item<int64_t>(), 0);
  trainer.run(4, 5, 10);
  EXPECT_EQ(state_of(*method).at("pool.made").item<int64_t>(), 3);
}

TEST(FlowMatching, AsksNoNetForConditionsThatHasNotLearntTheClasses) {
  const MethodInfo& info = find_method("flow_matching");
  Task task = Toy::task();
  EXPECT_NO_THROW(info.make({{"pseudo_labels", true}}, task, Toy::net()));
  task.trained_head = false;
  EXPECT_NO_THROW(info.make(Json::object(), task, Toy::net()));
  const Error error = error_of([&] { info.make({{"pseudo_labels", true}}, task, Toy::net()); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("init=RUN"));
}

/// Samples of a generator that learnt the toy must be what they were asked for: the blob is at the place of the class.
TEST(FlowMatching, MakesTheClassThatIsAskedFor) {
  const auto method = find_method("flow_matching").make({{"width", 16}, {"guidance", 1.0}}, Toy::task(), Toy::net());
  ToyTrainer trainer(*method, ToyRule{.rate = 4e-3, .adam = true});
  trainer.run(0, 300, 300);
  auto& sampler = dynamic_cast<Sampler&>(*method);
  EXPECT_TRUE(sampler.conditional());
  int64_t right = 0;
  constexpr int64_t kCount = 20;
  for (int64_t label = 0; label < Toy::kClasses; ++label) {
    const Tensor x = sampler.sample({.count = kCount, .label = label, .seed = 1});
    // Mean brightness of the three corners that the classes put their blob into.
    const Tensor corner =
        torch::stack({x.slice(2, 0, 4).slice(3, 0, 4).mean({1, 2, 3}), x.slice(2, 4, 8).slice(3, 0, 4).mean({1, 2, 3}),
                      x.slice(2, 0, 4).slice(3, 4, 8).mean({1, 2, 3})});
    right += corner.argmax(0).eq(label).sum().item<int64_t>();
  }
  EXPECT_GE(right, 48);
}

}  // namespace
}  // namespace fewlabel::testing
