// What sets the methods apart that ask for consistency or compare examples, in small cases that can be followed by
// hand, and the pieces they share. The nets echo their input, so the tests choose the logits.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <cmath>

#include "fewlabel/error.h"
#include "helpers.h"
#include "methods/common/losses.h"
#include "methods/common/ramp.h"
#include "methods/common/statistics_guard.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kPool = 4;

Task task_of(int64_t labeled) {
  return {.layout = ImageShape{8, 8, 1},
          .classes = 3,
          .labeled = labeled,
          .unlabeled = kPool,
          .class_share = {},
          .steps = 10};
}

/// Labelled rows, and the views of the unlabelled ones.
Batch batch_of(const std::vector<Tensor>& labeled, const std::vector<int64_t>& label,
               const std::vector<Tensor>& views) {
  const auto count = static_cast<int64_t>(label.size());
  Batch batch;
  batch.labeled = {labeled, torch::tensor(label), torch::arange(count)};
  batch.unlabeled = {views, torch::full({views.at(0).size(0)}, -1, torch::kLong), torch::arange(views.at(0).size(0))};
  return batch;
}

struct Bench {
  explicit Bench(const std::string& name, const Json& config = Json::object(), int64_t labeled = 1)
      : net(std::make_shared<EchoNet>(3)), method(find_method(name).make(config, task_of(labeled), net)) {}
  RecordingStep learn(const Batch& batch, double progress = 1.0) {
    RecordingStep step;
    net->scale.mutable_grad().reset();
    method->learn(batch, step);
    method->updated(progress);
    return step;
  }
  std::shared_ptr<EchoNet> net;
  std::unique_ptr<Method> method;
};

Tensor rows_of(const std::vector<Tensor>& list) { return torch::stack(list); }

// ------------------------------------------------------------------------------------------------- shared pieces

TEST(Ramp, RisesToOneAndStaysThere) {
  EXPECT_DOUBLE_EQ(linear_ramp(0.1, 0.4), 0.25);
  EXPECT_DOUBLE_EQ(linear_ramp(0.5, 0.4), 1.0);
  EXPECT_DOUBLE_EQ(linear_ramp(0.0, 0.0), 1.0);
  EXPECT_DOUBLE_EQ(sigmoid_ramp(0.0, 0.4), std::exp(-5.0));
  EXPECT_DOUBLE_EQ(sigmoid_ramp(0.2, 0.4), std::exp(-1.25));
  EXPECT_DOUBLE_EQ(sigmoid_ramp(0.9, 0.4), 1.0);
}

TEST(Losses, AgreeWithLoopsOverRowsAndClasses) {
  const Tensor logits = torch::randn({5, 4}), other = torch::softmax(torch::randn({5, 4}), 1);
  const Tensor p = one_hot_rows(torch::tensor({0, 3, 1, 2, 2}), 4) * 0.5 + other * 0.5;
  const Tensor q = torch::softmax(logits, 1);
  const Tensor square = squared_difference_each(p, q), divergence = divergence_each(p, logits),
               entropy = entropy_each(logits), cross = cross_entropy_each(logits, p);
  for (int64_t i = 0; i < 5; ++i) {
    double s = 0, d = 0, h = 0, c = 0;
    for (int64_t k = 0; k < 4; ++k) {
      const double a = p[i][k].item<double>(), b = q[i][k].item<double>();
      s += (a - b) * (a - b) / 4;
      d += a * std::log(a / b);
      h -= b * std::log(b);
      c -= a * std::log(b);
    }
    EXPECT_NEAR(square[i].item<double>(), s, 1e-6);
    EXPECT_NEAR(divergence[i].item<double>(), d, 1e-5);
    EXPECT_NEAR(entropy[i].item<double>(), h, 1e-5);
    EXPECT_NEAR(cross[i].item<double>(), c, 1e-5);
  }
  EXPECT_NEAR(divergence_each(one_hot_rows(torch::tensor({1}), 4), torch::zeros({1, 4})).item<double>(), std::log(4.0),
              1e-6);
}

TEST(StatisticsGuard, KeepsWhatBatchNormRemembersAndOnlyWhileItLives) {
  const Net net = Toy::net("cnn");
  net->train();
  const Tensor x = torch::randn({6, 1, 8, 8});
  const auto before = state_of(*net);
  const Tensor free = net->forward(x).detach();
  const auto moved = state_of(*net);
  Tensor held;
  {
    const StatisticsGuard guard(*net);
    held = net->forward(x).detach();
  }
  EXPECT_TRUE(torch::equal(held, free));  // normalised by the batch all the same
  int64_t statistics = 0;
  for (const auto& [name, value] : state_of(*net)) EXPECT_TRUE(torch::equal(value, moved.at(name))) << name;
  for (const auto& [name, value] : moved) statistics += torch::equal(value, before.at(name)) ? 0 : 1;
  EXPECT_EQ(statistics, 3 * 9);  // mean, variance and count of nine layers moved without the guard
  net->forward(x);
  EXPECT_FALSE(torch::equal(net->named_buffers().items()[0].value(), moved.at(net->named_buffers().items()[0].key())));
}

// ---------------------------------------------------------------------------------------------------- Π, teacher

TEST(PiModel, AsksThatTwoViewsAgreeMoreAndMore) {
  Bench bench("pi_model", {{"lambda_u", 30.0}, {"ramp", 0.5}});
  const Tensor x = rows_of({sure(0, 0.9)}), a = rows_of({sure(0, 0.8)}), b = rows_of({sure(0, 0.6)});
  EXPECT_EQ(bench.learn(batch_of({x}, {0}, {a, a}), 0.25).logged.at("loss/u"), 0.0);
  const double r = (0.2 * 0.2 + 2 * 0.1 * 0.1) / 3;
  const auto half = bench.learn(batch_of({x}, {0}, {a, b}), 1.0);
  EXPECT_NEAR(half.losses.at(0), -std::log(0.9) + 30.0 * std::exp(-1.25) * r, 1e-5);
  EXPECT_NEAR(bench.learn(batch_of({x}, {0}, {a, b})).losses.at(0), -std::log(0.9) + 30.0 * r, 1e-5);
}

TEST(MeanTeacher, TeacherIsTheMeanOfTheStudentsUntilItsDecayTakesOver) {
  const Net net = make_net({.name = "linear", .bn_momentum = {}}, ImageShape{8, 8, 1}, 3, 1);
  const auto method = find_method("mean_teacher").make({{"decay", 0.6}}, task_of(1), net);
  const Tensor teacher = method->named_parameters()["teacher.head.linear.weight"];
  EXPECT_FALSE(teacher.requires_grad());
  const auto set = [&](double value) {
    const torch::NoGradGuard no_grad;
    net->parameters()[0].fill_(value);
    method->updated(0.0);
  };
  const auto set_at = [&](double value, double step) {
    const torch::NoGradGuard no_grad;
    net->parameters()[0].fill_(value);
    method->updated(step / 10.0);
  };
  set(2.0);  // before the first update the teacher is the student
  EXPECT_FLOAT_EQ(teacher[0][0].item<float>(), 2.0F);
  set_at(4.0, 1);
  EXPECT_FLOAT_EQ(teacher[0][0].item<float>(), 3.0F);
  set_at(3.0, 2);  // 1 - 1/3 is above the decay
  EXPECT_FLOAT_EQ(teacher[0][0].item<float>(), 0.6F * 3.0F + 0.4F * 3.0F);
  set_at(8.0, 3);
  EXPECT_FLOAT_EQ(teacher[0][0].item<float>(), 0.6F * 3.0F + 0.4F * 8.0F);
}

TEST(MeanTeacher, LearnsFromTheTeacherNotFromItself) {
  const Net net = make_net({.name = "linear", .bn_momentum = {}}, ImageShape{8, 8, 1}, 3, 1);
  {  // sums of such numbers are exact, so that batches of other sizes give the same bits
    const torch::NoGradGuard no_grad;
    net->parameters()[0].mul_(64).round_().div_(64);
  }
  const auto method = find_method("mean_teacher").make(Json::object(), task_of(1), net);
  const Tensor u = torch::randint(-4, 5, {4, 1, 8, 8}).to(torch::kFloat);
  const Batch batch = batch_of({torch::randn({1, 1, 8, 8})}, {0}, {u, u});
  RecordingStep same, moved;
  method->learn(batch, same);
  EXPECT_EQ(same.logged.at("loss/u"), 0.0);
  const Tensor target = torch::softmax(net->forward(u), 1).detach();
  {
    const torch::NoGradGuard no_grad;
    net->parameters()[0].mul_(-1.0);
  }
  method->learn(batch, moved);
  EXPECT_NEAR(moved.logged.at("loss/u"), (torch::softmax(net->forward(u), 1) - target).square().mean().item<double>(),
              1e-6);
  EXPECT_TRUE(torch::equal(moved.label, target.argmax(1)));
}

// ------------------------------------------------------------------------------------------------------- MixMatch

TEST(MixMatch, GuessesTheSharpenedMeanOfTheViews) {
  Bench bench("mixmatch", {{"lambda_u", 0.0}});
  const Tensor x = rows_of({sure(0, 0.9)});
  const auto step =
      bench.learn(batch_of({x}, {0}, {rows_of({sure(0, 0.6), sure(1, 0.5)}), rows_of({sure(1, 0.7), sure(1, 0.5)})}));
  EXPECT_THAT(numbers(step.label), ElementsAre(1, 1));
  EXPECT_GE(step.losses.at(0), 0.0);
}

TEST(MixMatch, EachExampleKeepsTheLargerShare) {
  // With every example alike mixing changes nothing, whatever λ is: the loss is that of one example.
  Bench bench("mixmatch", {{"temperature", 1.0}, {"lambda_u", 3.0}, {"ramp", 0.0}});
  const Tensor x = rows_of({sure(0, 0.9)}), u = rows_of({sure(0, 0.9)});
  const double p = 0.9;
  const auto step = bench.learn(batch_of({x}, {0}, {u, u}));
  // The label is mixed with the guess p, at most half of it: between the cross-entropies of (1, 0, 0) and their mean.
  const double least = -std::log(p), most = -(0.5 + 0.5 * p) * std::log(p) - 0.5 * (1 - p) * std::log((1 - p) / 2);
  EXPECT_GE(step.logged.at("loss/s"), least - 1e-5);
  EXPECT_LE(step.logged.at("loss/s"), most + 1e-5);
}

TEST(MixMatch, AnchorGuessesOnTheWeakViewAlone) {
  Bench bench("mixmatch", {{"anchor", true}, {"unlabeled_view", "strong"}});
  EXPECT_THAT(bench.method->needs().unlabeled, ElementsAre("strong", "strong", "weak"));
  const Tensor strong = rows_of({sure(0, 0.9)}), weak = rows_of({sure(2, 0.9)});
  EXPECT_THAT(numbers(bench.learn(batch_of({strong}, {0}, {strong, strong, weak})).label), ElementsAre(2));
}

// ------------------------------------------------------------------------------------------------------ SoftMatch

TEST(SoftMatch, WeighsByHowFarConfidenceIsBelowTheMean) {
  Bench bench("softmatch", {{"decay", 0.0}, {"uniform", false}, {"n_sigma", 2.0}});
  const Tensor x = rows_of({sure(0, 0.9)}), strong = torch::zeros({2, 3});
  const auto learn = [&](double a, double b) {
    return bench.learn(batch_of({x}, {0}, {rows_of({sure(0, a), sure(1, b)}), strong}));
  };
  EXPECT_THAT(numbers(learn(0.6, 0.8).kept), ElementsAre(1, 1));  // the mean starts at 1 / C
  // Mean 0.7, deviation 0.1 from here: 0.6 is one deviation below, times n = 2.
  const auto step = learn(0.6, 0.9);
  EXPECT_NEAR(step.kept[0].item<double>(), std::exp(-2.0), 1e-4);
  EXPECT_EQ(step.kept[1].item<double>(), 1.0);
  EXPECT_NEAR(step.logged.at("loss/u"), std::log(3.0) * (1.0 + std::exp(-2.0)) / 2.0, 1e-4);
}

TEST(SoftMatch, UniformAlignmentChangesWeightsButNoLabel) {
  Bench bench("softmatch", {{"decay", 0.0}});
  const Tensor x = rows_of({sure(0, 0.9)}), strong = torch::zeros({2, 3});
  bench.learn(batch_of({x}, {0}, {rows_of({sure(0, 0.98), sure(0, 0.9)}), strong}));
  const auto step = bench.learn(batch_of({x}, {0}, {rows_of({sure(0, 0.5), sure(1, 0.5)}), strong}));
  EXPECT_THAT(numbers(step.label), ElementsAre(0, 1));
  EXPECT_LT(step.kept[0].item<double>(), step.kept[1].item<double>());
}

// ------------------------------------------------------------------------------------------------------------ VAT

double change_along(const Json& config, uint64_t seed) {
  // The logits are x scaled by (1, 1, 20): a change of the third input matters most.
  Bench bench("vat", config);
  {
    const torch::NoGradGuard no_grad;
    bench.net->scale.copy_(torch::tensor({1.0F, 1.0F, 20.0F}));
  }
  torch::manual_seed(seed);
  const Tensor u = torch::zeros({8, 3});
  return bench.learn(batch_of({torch::zeros({1, 3})}, {0}, {u})).logged.at("loss/u");
}

TEST(Vat, FindsTheDirectionThatChangesThePredictionMost) {
  const double worst =
      divergence_each(torch::full({1, 3}, 1.0 / 3), torch::tensor({{0.0F, 0.0F, 20 * 0.01F}})).item<double>();
  for (const uint64_t seed : {1U, 2U, 3U}) {
    EXPECT_GT(change_along({{"epsilon", 0.01}, {"xi", 0.01}}, seed), 0.8 * worst);
    EXPECT_GT(change_along({{"epsilon", 0.01}, {"xi", 0.01}, {"power_iterations", 3}}, seed), 0.95 * worst);
  }
}

TEST(Vat, TheDefaultLengthOfTheSearchIsAboveTheNoiseOfFloats) {
  // Two searches from one start, in inputs of usual size: at 1e-6, the paper's, rounding alone decides.
  const auto direction = [](double xi) {
    const Net net = Toy::net("mlp");
    const auto method = find_method("vat").make({{"xi", xi}, {"epsilon", 1.0}}, task_of(1), net);
    torch::manual_seed(7);
    RecordingStep step;
    method->learn(batch_of({Toy::test(1).x[0]}, {0}, {Toy::test(16).x[0]}), step);
    return step.logged.at("loss/u");
  };
  EXPECT_GT(direction(0.1), 2.0 * direction(1e-6));
}

TEST(Vat, NoChangeOfTheInputChangesNoPredictionUnderBatchNorm) {
  const auto method = find_method("vat").make({{"epsilon", 0.0}}, Toy::task(), Toy::net("cnn"));
  method->train();
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep plain, rounded;
  method->learn(batch, plain);
  EXPECT_NEAR(plain.logged.at("loss/u"), 0.0, 1e-6);
  const Autocast autocast;  // the adversarial pass is in bf16 then, the search for its direction is not
  method->learn(batch, rounded);
  EXPECT_NEAR(rounded.logged.at("loss/u"), 0.0, 1e-2);
}

TEST(Vat, LeavesTheStatisticsOfBatchNormToTheExamples) {
  const auto method = find_method("vat").make(Json::object(), Toy::task(), Toy::net("cnn"));
  const Net plain = Toy::net("cnn");
  method->train();
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep step;
  method->learn(batch, step);
  plain->forward(torch::cat({batch.labeled.x[0], batch.unlabeled.x[0]}));
  const auto expected = plain->named_buffers(), found = method->named_buffers();
  for (const auto& item : expected) EXPECT_TRUE(torch::equal(found["net." + item.key()], item.value())) << item.key();
}

// ------------------------------------------------------------------------------------------------- UDA, AdaMatch

TEST(Uda, LeavesOutLabelsThatAreLearntTooEarly) {
  Bench bench("uda", {{"tsa", "linear"}, {"lambda_u", 0.0}});
  const Tensor x = rows_of({sure(0, 0.9), sure(1, 0.3)}), u = torch::zeros({1, 3});
  const auto first = bench.learn(batch_of({x}, {0, 1}, {u, u}), 0.5);
  EXPECT_EQ(first.logged.at("labels/left"), 0.5);  // η = 1/3
  EXPECT_NEAR(first.losses.at(0), -std::log(0.3), 1e-5);
  EXPECT_EQ(bench.learn(batch_of({x}, {0, 1}, {u, u}), 1.0).logged.at("labels/left"), 0.5);  // η = 2/3
  EXPECT_EQ(bench.learn(batch_of({x}, {0, 1}, {u, u}), 1.0).logged.at("labels/left"), 1.0);  // η = 1
}

TEST(Uda, TargetsAreSharpened) {
  Bench bench("uda", {{"tau", 0.5}, {"temperature", 0.5}});
  const Tensor x = rows_of({sure(0, 0.9)}), weak = rows_of({sure(0, 0.6)}), strong = torch::zeros({1, 3});
  const double a = 0.36 / (0.36 + 0.04 + 0.04), b = (1 - a) / 2;
  EXPECT_NEAR(bench.learn(batch_of({x}, {0}, {weak, strong})).logged.at("loss/u"),
              a * std::log(3 * a) + 2 * b * std::log(3 * b), 1e-5);
}

TEST(AdaMatch, ThresholdIsAShareOfTheConfidenceOnTheLabelled) {
  Bench bench("adamatch", {{"tau", 0.9}, {"interpolate", false}});
  const Tensor x = rows_of({sure(0, 0.8), sure(1, 0.6)});  // mean confidence 0.7: the threshold is 0.63
  const Tensor weak = rows_of({sure(0, 0.62), sure(1, 0.64)}), strong = torch::zeros({2, 3});
  EXPECT_THAT(numbers(bench.learn(batch_of({x, x}, {0, 1}, {weak, strong})).kept), ElementsAre(0, 1));
}

TEST(AdaMatch, AlignsWithThePredictionsOnTheLabelled) {
  Bench bench("adamatch", {{"align_decay", 0.0}, {"interpolate", false}});
  const Tensor strong = torch::zeros({1, 3}), x = torch::zeros({1, 3});
  // Labelled predictions are uniform, unlabelled ones favour class 0, which then counts for less.
  bench.learn(batch_of({x, x}, {0}, {rows_of({sure(0, 0.8)}), strong}));
  const Tensor next = torch::log(torch::tensor({{0.6F, 0.3F, 0.1F}}));
  EXPECT_THAT(numbers(bench.learn(batch_of({x, x}, {0}, {next, strong})).label), ElementsAre(1));
}

// ------------------------------------------------------------------------------------------------------- SimMatch

/// With a projection that no example falls dead in: the tests' logits are negative, and so are its weights.
struct SimBench : Bench {
  SimBench(const Json& config, int64_t labeled) : Bench("simmatch", config, labeled) {
    const torch::NoGradGuard no_grad;
    for (auto& item : method->named_parameters())
      if (item.key().starts_with("head.")) item.value().copy_(pattern(item.value().sizes()));
  }
};

TEST(SimMatch, RemembersLabelledExamplesAndForgetsSlowly) {
  SimBench bench({{"bank_decay", 0.5}, {"embedding", 8}}, 3);
  const Tensor u = torch::zeros({1, 3});
  const auto state = [&](const char* name) { return bench.method->named_buffers()[name].clone(); };
  bench.learn(batch_of({rows_of({sure(0, 0.9), sure(1, 0.9)})}, {0, 1}, {u, u}));
  EXPECT_THAT(numbers(state("bank_label")), ElementsAre(0, 1, -1));  // the third has not been seen
  EXPECT_EQ(state("bank")[2].abs().sum().item<float>(), 0.0F);
  const Tensor first = state("bank");
  EXPECT_NEAR(first[0].norm().item<double>(), 1.0, 1e-5);
  bench.learn(batch_of({rows_of({sure(1, 0.99)})}, {0}, {u, u}));
  const Tensor second = state("bank");
  EXPECT_FALSE(torch::allclose(second[0], first[0]));
  EXPECT_TRUE(torch::equal(second[1], first[1]));
  EXPECT_NEAR(second[0].norm().item<double>(), 1.0, 1e-5);
}

TEST(SimMatch, ExampleTwiceInABatchCountsByItsMean) {
  SimBench once({{"embedding", 8}}, 2), twice({{"embedding", 8}}, 2);
  const Tensor u = torch::zeros({1, 3}), x = rows_of({sure(0, 0.9)});
  once.learn(batch_of({x}, {0}, {u, u}));
  Batch batch = batch_of({torch::cat({x, x})}, {0, 0}, {u, u});
  batch.labeled.index = torch::zeros({2}, torch::kLong);
  twice.learn(batch);
  EXPECT_TRUE(torch::allclose(once.method->named_buffers()["bank"], twice.method->named_buffers()["bank"]));
}

TEST(SimMatch, SimilaritiesCorrectThePrediction) {
  // All embeddings are those of the labelled example of class 1, so that similarity says 1 for sure.
  SimBench bench({{"alpha", 0.2}, {"tau", 0.0}, {"embedding", 8}}, 1);
  const Tensor weak = rows_of({sure(0, 0.5)});
  EXPECT_THAT(numbers(bench.learn(batch_of({weak}, {1}, {weak, weak})).label), ElementsAre(1));
  SimBench trusting({{"alpha", 1.0}, {"tau", 0.0}, {"embedding", 8}}, 1);
  EXPECT_THAT(numbers(trusting.learn(batch_of({weak}, {1}, {weak, weak})).label), ElementsAre(0));
}

// --------------------------------------------------------------------------------------------------------- Ladder

TEST(Ladder, WantsItsOwnNet) {
  EXPECT_EQ(error_of([] { find_method("ladder").make(Json::object(), Toy::task(), Toy::net("mlp")); }).kind(),
            ErrorKind::usage);
}

TEST(Ladder, NoisyPassesLeaveTheStatisticsToTheCleanOne) {
  const auto method = find_method("ladder").make(Json::object(), Toy::task(), Toy::net("ladder_mlp"));
  const Net plain = Toy::net("ladder_mlp");
  method->train();
  plain->train();
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep step;
  method->learn(batch, step);
  plain->forward(batch.unlabeled.x[0]);
  for (const auto& item : plain->named_buffers())
    EXPECT_TRUE(torch::equal(method->named_buffers()["net." + item.key()], item.value())) << item.key();
}

}  // namespace
}  // namespace fewlabel::testing
