#include "train/optimizer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <torch/torch.h>

#include "fewlabel/error.h"
#include "train/fused.h"
#include "train/schedule.h"

namespace fewlabel {
namespace {

constexpr double kDecay = 0.01;

// A conv weight (channels-last), a bias and a matrix, with gradients that depend on the step.
std::vector<Tensor> make_parameters() {
  torch::manual_seed(3);
  std::vector<Tensor> all = {torch::randn({5, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast), torch::randn({7}),
                             torch::randn({300, 257})};
  for (Tensor& tensor : all) tensor.requires_grad_();
  return all;
}
void give_gradients(const std::vector<Tensor>& parameters, int step) {
  torch::manual_seed(static_cast<uint64_t>(100 + step));
  for (const Tensor& value : parameters)
    value.mutable_grad() = torch::empty_like(value).copy_(torch::randn(value.sizes()));
}
std::vector<NamedParameter> named(const std::vector<Tensor>& parameters) {
  std::vector<NamedParameter> all;
  for (const Tensor& value : parameters) all.push_back({fmt::format("p{}", all.size()), value});
  return all;
}
OptimizerPlan config_of(const std::string& name, double clip = 0) {
  OptimizerPlan config;
  config.name = name;
  config.weight_decay = kDecay;
  config.clip = clip;
  return config;
}
void expect_close(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
}

// Weight decay spares the vector: the reference gets two groups.
template <typename Reference, typename Options>
void compare(const std::string& name, const Options& options, double clip) {
  const auto ours = make_parameters(), theirs = make_parameters();
  Options spared = options;
  spared.weight_decay(0);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<Tensor>{theirs[0], theirs[2]}, std::make_unique<Options>(options));
  groups.emplace_back(std::vector<Tensor>{theirs[1]}, std::make_unique<Options>(spared));
  Reference reference(groups, options);
  Optimizer optimizer(named(ours), config_of(name, clip), 0);
  for (int step = 0; step < 5; ++step) {
    give_gradients(ours, step);
    give_gradients(theirs, step);
    if (clip > 0) torch::nn::utils::clip_grad_norm_(theirs, clip);
    reference.step();
    const auto norm = optimizer.update(0.05).item<double>();
    EXPECT_NEAR(norm, std::sqrt(180 + 7 + 300 * 257.), 5);
  }
  expect_close(ours, theirs);
}

TEST(Optimizer, SgdMatchesTorch) {
  compare<torch::optim::SGD>("sgd", torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true).weight_decay(kDecay),
                             0);
}
TEST(Optimizer, AdamwMatchesTorch) {
  compare<torch::optim::AdamW>("adamw", torch::optim::AdamWOptions(0.05).weight_decay(kDecay), 0);
}
TEST(Optimizer, ClipsByTheGlobalNorm) {
  compare<torch::optim::SGD>("sgd", torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true).weight_decay(kDecay),
                             1.5);
}

TEST(Optimizer, DenseLayoutsGiveTheSameValues) {
  const auto dense = make_parameters();
  std::vector<Tensor> strided;  // not dense: every second element, so the plain path
  for (const Tensor& value : dense) {
    Tensor wide = torch::zeros({value.numel() * 2});
    Tensor view = wide.slice(0, 0, wide.numel(), 2).detach();
    if (value.dim() == 2) view = wide.as_strided({300, 257}, {514, 2});
    if (value.dim() == 4) view = wide.as_strided({5, 4, 3, 3}, {72, 18, 6, 2});
    view.copy_(value.detach());
    strided.push_back(view.detach().requires_grad_());
  }
  for (const char* name : {"sgd", "adamw"}) {
    Optimizer fast(named(dense), config_of(name, 1), 0.9), plain(named(strided), config_of(name, 1), 0.9);
    for (int step = 0; step < 3; ++step) {
      give_gradients(dense, step);
      give_gradients(strided, step);
      EXPECT_NEAR(fast.update(0.05).item<double>(), plain.update(0.05).item<double>(), 1e-3);
    }
    expect_close(dense, strided);
    fast.swap_average();
    plain.swap_average();
    expect_close(dense, strided);
    fast.swap_average();
    plain.swap_average();
  }
}

TEST(Optimizer, AverageMatchesASlowOracle) {
  const auto parameters = make_parameters();
  std::vector<Tensor> oracle;
  for (const Tensor& value : parameters) oracle.push_back(value.detach().to(torch::kDouble).clone());
  Optimizer optimizer(named(parameters), config_of("sgd"), 0.8);
  for (int step = 0; step < 60; ++step) {
    give_gradients(parameters, step);
    if (step == 30) parameters[1].mutable_grad() = Tensor();  // no gradient: the average goes on
    optimizer.update(0.01);
    const double keep = std::min(0.8, (1. + step) / (10. + step));
    for (std::size_t i = 0; i < oracle.size(); ++i)
      oracle[i] = keep * oracle[i] + (1 - keep) * parameters[i].detach().to(torch::kDouble);
  }
  const Tensor live = parameters[2].detach().clone();
  const void* storage = parameters[2].data_ptr();
  optimizer.swap_average();
  for (std::size_t i = 0; i < oracle.size(); ++i)
    EXPECT_TRUE(torch::allclose(parameters[i].detach().to(torch::kDouble), oracle[i], 1e-4, 1e-5)) << i;
  optimizer.swap_average();
  EXPECT_TRUE(torch::equal(parameters[2].detach(), live));
  EXPECT_EQ(parameters[2].data_ptr(), storage) << "swapping must not copy";
}

TEST(Optimizer, ThreadsDoNotChangeTheBits) {
  std::vector<Tensor> results;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const auto parameters = make_parameters();
    Optimizer optimizer(named(parameters), config_of("sgd", 1), 0.9);
    for (int step = 0; step < 3; ++step) {
      give_gradients(parameters, step);
      optimizer.update(0.05);
    }
    results.push_back(parameters[2].detach().clone());
  }
  at::set_num_threads(1);
  EXPECT_TRUE(torch::equal(results[0], results[1]));
  EXPECT_TRUE(torch::equal(results[0], results[2]));
}

TEST(Optimizer, ReportsAnInfiniteGradient) {
  const auto parameters = make_parameters();
  Optimizer optimizer(named(parameters), config_of("sgd"), 0);
  give_gradients(parameters, 0);
  parameters[0].mutable_grad()[1][2][0][1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(optimizer.update(0.05).item<double>()));
}

TEST(Optimizer, RefusesAnUnknownName) { EXPECT_THROW(Optimizer({}, config_of("lion"), 0), Error); }

TEST(Fused, SumOfSquaresOfAnySize) {
  for (const int64_t size : {0, 1, 15, 16, 17, 2048, 5000}) {
    std::vector<float> values(static_cast<std::size_t>(size), 0.5F);
    EXPECT_DOUBLE_EQ(fused::sum_of_squares(values.data(), size), 0.25 * static_cast<double>(size));
  }
}

TEST(Schedule, FollowsItsFormula) {
  const Schedule paper{ScheduleKind::cosine_7_16, 0, 1000};
  EXPECT_DOUBLE_EQ(paper.factor(0), 1);
  EXPECT_NEAR(paper.factor(500), std::cos(7 * M_PI * 500 / (16 * 1000)), 1e-12);
  EXPECT_NEAR(paper.factor(1000), 0.1950903, 1e-6);
  const Schedule cosine{ScheduleKind::cosine, 0, 1000};
  EXPECT_NEAR(cosine.factor(250), 0.5 * (1 + std::cos(M_PI / 4)), 1e-12);
  EXPECT_NEAR(cosine.factor(1000), 0, 1e-12);
  EXPECT_NEAR((Schedule{ScheduleKind::linear, 0, 10}).factor(3), 0.7, 1e-12);
  EXPECT_DOUBLE_EQ((Schedule{ScheduleKind::constant, 0, 10}).factor(9), 1);
}

TEST(Schedule, WarmsUpLinearlyAndThenStartsAtOne) {
  const Schedule schedule{ScheduleKind::linear, 0.1, 100};
  EXPECT_DOUBLE_EQ(schedule.factor(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.factor(4), 0.5);
  EXPECT_DOUBLE_EQ(schedule.factor(9), 1);
  EXPECT_DOUBLE_EQ(schedule.factor(10), 1);
  EXPECT_NEAR(schedule.factor(55), 0.5, 1e-12);
  EXPECT_THROW(parse_schedule("step"), Error);
}

}  // namespace
}  // namespace fewlabel
