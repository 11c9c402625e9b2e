// What every method of all_methods() must fulfil; a new method inherits all of it without writing a line. Those that
// learn a head of frozen features have heads_test.cpp beside what is asked of every record. With
// FEWLABEL_TEST_DEVICE=cuda in the environment the methods stand on the GPU.
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "fewlabel/error.h"
#include "helpers.h"
#include "methods/toy.h"
#include "train/device.h"
#include "train/fake_recorder.h"
#include "train/replay.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kSteps = 150;
// A GPU adds up in an order that changes from run to run, so there sameness is nearness.
constexpr double kNearOnGpu = 1e-3;

/// Where the methods are tested. Rounding to TF32 and kernels picked by the clock would hide what is looked for.
torch::Device device_of_the_tests() {
  const char* wanted = std::getenv("FEWLABEL_TEST_DEVICE");
  const torch::Device device = choose_device(wanted ? wanted : "cpu");
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
  return device;
}

/// A method and a kind of data that it learns from.
struct Case {
  std::string method;
  Kind kind;
};

class EveryMethod : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    Toy::device = device_of_the_tests();
    Toy::kind = GetParam().kind;
  }
  void TearDown() override { Toy::kind = Kind::image; }

  const MethodInfo& info() const { return find_method(GetParam().method); }
  Json short_settings() const { return info().short_settings_of(GetParam().kind).value("method", Json::object()); }
  /// The paper's settings, and those of short runs.
  std::vector<Json> settings() const { return {Json::object(), short_settings()}; }
  /// A net without normalisation by the batch, or one with it; texts have the former alone.
  enum class Norm { none, batch };
  std::unique_ptr<Method> make(Norm norm = Norm::none, const Json& config = Json::object(),
                               double inner_dropout = 0.1) const {
    const bool text = GetParam().kind == Kind::text;
    const bool sound = GetParam().kind == Kind::audio;
    const std::string net = text ? "bag" : norm == Norm::none ? "mlp" : sound ? "tc_resnet" : "cnn";
    auto method = info().make(config, Toy::task_for(info()), Toy::net_for(info(), net, 3, inner_dropout));
    method->to(Toy::device);
    return method;
  }
  ToyRule rule() const { return ToyRule::of(info()); }
};

/// Of what needs no learning: also those that learn from no batches.
class EveryRecord : public EveryMethod {};

enum class Which { all, of_batches };
std::vector<Case> cases(Which which) {
  std::vector<Case> result;
  for (const Kind kind : {Kind::image, Kind::text, Kind::audio})
    for (const auto& method : all_methods()) {
      if (!method.takes(kind)) continue;
      // Those of transcripts have a toy of their own (tests/methods/ctc_test.cpp),
      if (method.transcribes) continue;
      // and so have those that learn a head in one go (heads_test.cpp).
      if (which == Which::of_batches && (method.family == "frozen" || method.family == "tuned")) continue;
      result.push_back({method.name, kind});
    }
  return result;
}
std::string name_of(const ::testing::TestParamInfo<Case>& at) {
  const MethodInfo& method = find_method(at.param.method);
  if (at.param.kind == Kind::audio) return at.param.method + "_of_recordings";
  const bool slow = method.family == "self/joint_embedding" && method.takes(Kind::image);
  return at.param.method + (at.param.kind == Kind::image ? "" : slow ? "_of_texts_slow" : "_of_texts");
}
INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod, ::testing::ValuesIn(cases(Which::of_batches)), name_of);
INSTANTIATE_TEST_SUITE_P(Methods, EveryRecord, ::testing::ValuesIn(cases(Which::all)), name_of);

void expect_same(const torch::nn::Module& a, const torch::nn::Module& b, double tolerance = 0.0) {
  const auto left = state_of(a), right = state_of(b);
  ASSERT_EQ(left.size(), right.size());
  if (Toy::device.is_cuda()) tolerance = std::max(tolerance, kNearOnGpu);
  for (const auto& [name, value] : left) {
    const Tensor& other = right.at(name);
    if (tolerance == 0.0) {
      EXPECT_TRUE(torch::equal(value, other)) << name;
    } else {
      EXPECT_LE((value.to(torch::kDouble) - other.to(torch::kDouble)).abs().max().item<double>(), tolerance) << name;
    }
  }
}

/// Of features as a probe takes them: each with mean 0 and deviation 1.
double nearest_centre_accuracy(Tensor features, const Tensor& label, Tensor test, const Tensor& truth) {
  const Tensor mean = features.mean(0), deviation = features.std(0).clamp_min(1e-6);
  features = (features - mean) / deviation;
  test = (test - mean) / deviation;
  std::vector<Tensor> centres;
  for (int64_t c = 0; c < Toy::kClasses; ++c) centres.push_back(features.index({label.eq(c)}).mean(0));
  return torch::cdist(test, torch::stack(centres)).argmin(1).eq(truth).to(torch::kFloat).mean().item<double>();
}

TEST_P(EveryMethod, LearnsTheToy) {
  // A run of 150 updates: what a paper sets for a million may learn it or not, by the luck of the draws.
  const auto method = make(Norm::none, short_settings());
  ToyTrainer trainer(*method, rule());
  // Players that learn from each other, and a generator beside a classifier, need longer.
  // So does consistency of texts whose labels are alike: nothing tells it which of its answers to believe.
  const bool slow =
      method->groups().size() > 1 || dynamic_cast<Sampler*>(method.get()) ||
      (GetParam().kind == Kind::text && (GetParam().method == "pi_model" || GetParam().method == "mean_teacher"));
  const int64_t steps = slow ? 2 * kSteps : kSteps;
  trainer.run(0, steps, steps);
  method->eval();
  const torch::NoGradGuard no_grad;
  const Views test = Toy::test();
  auto* classifier = dynamic_cast<Classifier*>(method.get());
  auto* encoder = dynamic_cast<Encoder*>(method.get());
  auto* sampler = dynamic_cast<Sampler*>(method.get());
  ASSERT_TRUE(classifier || encoder || sampler);
  if (sampler) {
    const Tensor sample = sampler->sample({.count = 12, .seed = 1});
    EXPECT_EQ(sample.sizes(), (std::vector<int64_t>{12, 1, 8, Toy::kind == Kind::audio ? Toy::kFrames : 8}));
    EXPECT_GE(sample.min().item<double>(), 0.0);
    EXPECT_LE(sample.max().item<double>(), 1.0);
    EXPECT_TRUE(torch::equal(sample, sampler->sample({.count = 12, .seed = 1})));
    EXPECT_FALSE(torch::equal(sample, sampler->sample({.count = 12, .seed = 2})));
  }
  if (encoder && !classifier) {
    const Views seen = Toy::test(200);
    const Tensor known = encoder->features(seen.x[0]), fresh = encoder->features(test.x[0]);
    EXPECT_GE(nearest_centre_accuracy(known, seen.y, fresh, test.y), 0.85);
  }
  if (!classifier) return;
  const double accuracy = classifier->logits(test.x[0]).argmax(1).eq(test.y).to(torch::kFloat).mean().item<double>();
  // The labels alone do not hold every word of a class; and VAT sees no view of a blob that moves along time as well.
  const bool harder = (GetParam().kind == Kind::text && GetParam().method == "supervised") ||
                      (GetParam().kind == Kind::audio && GetParam().method == "vat");
  EXPECT_GE(accuracy, harder ? 0.85 : 0.9);
  EXPECT_TRUE(torch::equal(classifier->network()->forward(test.x[0]), classifier->logits(test.x[0])));
}

TEST_P(EveryMethod, SameSeedGivesTheSameBits) {
  const auto a = make(), b = make();
  torch::manual_seed(1);
  ToyTrainer(*a, rule()).run(0, 10, kSteps);
  torch::manual_seed(2);
  ToyTrainer(*b, rule()).run(0, 10, kSteps);
  expect_same(*a, *b);
}

TEST_P(EveryMethod, RestoredStateGoesOnAsIfNeverStopped) {
  for (const Json& config : settings()) {
    SCOPED_TRACE(config.dump());
    const auto whole = make(Norm::batch, config);
    ToyTrainer(*whole, rule()).run(0, 12, 12);

    const auto first = make(Norm::batch, config);
    ToyTrainer before(*first, rule());
    before.run(0, 6, 12);
    const auto second = make(Norm::batch, config);
    ToyTrainer after(*second, rule());
    {
      const torch::NoGradGuard no_grad;
      const auto state = state_of(*first);
      for (auto& item : second->named_parameters()) item.value().copy_(state.at(item.key()));
      for (auto& item : second->named_buffers()) item.value().copy_(state.at(item.key()));
      after.updates = before.updates;
      for (auto& [group, values] : after.momentum)
        for (std::size_t i = 0; i < values.size(); ++i) {
          values[i].copy_(before.momentum.at(group)[i]);
          after.square.at(group)[i].copy_(before.square.at(group)[i]);
        }
    }
    after.run(6, 12, 12);
    expect_same(*whole, *second);
  }
}

TEST_P(EveryMethod, NeverReadsTheLabelsOfTheUnlabelled) {
  const auto poisoned = make(), informed = make();
  ToyTrainer(*poisoned, rule()).run(0, 10, 10, /*true_labels=*/false);
  ToyTrainer(*informed, rule()).run(0, 10, 10, /*true_labels=*/true);
  expect_same(*poisoned, *informed);
}

TEST_P(EveryMethod, TwoMicroBatchesEqualOneBatch) {
  if (make()->needs().whole_batch) return;
  // What a net drops it draws anew for each pass.
  Json config = Json::object();
  // FreeMatch's fairness compares the shares of a batch with the pool's; Adam makes its thousandth part seen.
  for (const FieldInfo& field : info().fields)
    if (field.name == "lambda_f") config["lambda_f"] = 0.0;
  const auto whole = make(Norm::none, config, 0.0), split = make(Norm::none, config, 0.0);
  ToyTrainer one(*whole, rule()), two(*split, rule(), 2);
  constexpr int64_t kBatch = 8;
  for (int64_t t = 0; t < 8; ++t) {
    const Batch batch = Toy::batch(whole->needs(), t, false, kBatch);
    whole->learn(batch, one);
    const int64_t u = batch.unlabeled.index.defined() ? batch.unlabeled.index.size(0) : 0, half = kBatch / 2;
    split->learn({rows(batch.labeled, 0, half), rows(batch.unlabeled, 0, u / 2)}, two);
    split->learn({rows(batch.labeled, half, kBatch), rows(batch.unlabeled, u / 2, u)}, two);
    whole->updated(static_cast<double>(t + 1) / 8);
    split->updated(static_cast<double>(t + 1) / 8);
  }
  expect_same(*whole, *split, 1e-4);
}

TEST_P(EveryMethod, AReplayedStepIsItsStep) {
  for (const Json& config : this->settings()) {
    SCOPED_TRACE(config.dump());
    const auto plain = make(Norm::batch, config), replayed = make(Norm::batch, config);
    if (!plain->replayable()) continue;
    std::unique_ptr<GpuRecorder> recorder = std::make_unique<FakeRecorder>();
    if (Toy::device.is_cuda()) recorder = find_recorder().recorder;
    ASSERT_TRUE(recorder);
    StepSettings settings;
    settings.optimizer.name = rule().adam ? "adamw" : "sgd";
    settings.method_name = GetParam().method;
    TrainerStep one(*plain, settings), other(*replayed, settings);
    StepReplay replay(*replayed, other, other, std::move(recorder));
    for (int64_t t = 0; t < 8; ++t) {
      const Batch batch = Toy::batch(plain->needs(), t);
      for (TrainerStep* step : {&one, &other}) {
        torch::manual_seed(static_cast<uint64_t>(t));
        step->place({t, rule().rate, batch.unlabeled.index, ""});
        step == &one ? plain->learn(batch, one) : replay.learn(batch);
      }
      for (Method* method : {plain.get(), replayed.get()}) method->updated(static_cast<double>(t + 1) / 8);
    }
    EXPECT_TRUE(replay.recorded()) << replay.failure();
    expect_same(*plain, *replayed);
    const auto logged = one.metrics().take(), again = other.metrics().take();
    for (const auto& [name, value] : logged) {
      ASSERT_TRUE(again.contains(name)) << name;
      EXPECT_NEAR(value, again.at(name), 1e-3 * (1 + std::abs(value))) << name;
    }
  }
}

/// Checks after each minimize that only its own group holds gradients.
class GroupWatch final : public RecordingStep {
 public:
  explicit GroupWatch(Method& method) : all_(method.groups()) {}
  void minimize(const Tensor& value, std::string_view group = "model") override {
    ASSERT_TRUE(all_.contains(group)) << group;
    for (auto& [name, parameters] : all_)
      for (auto& parameter : parameters) parameter.mutable_grad().reset();
    value.backward({}, c10::nullopt, false, all_.find(group)->second);
    for (auto& [name, parameters] : all_)
      for (const auto& parameter : parameters)
        if (name != group) {
          EXPECT_FALSE(parameter.grad().defined()) << name;
        }
    stepped.insert(std::string(group));
  }
  std::set<std::string> stepped;

 private:
  Groups all_;
};

TEST_P(EveryMethod, StepsEveryGroupAndOnlyWithItsOwnGradients) {
  const auto method = make(Norm::batch);
  GroupWatch watch(*method);
  method->learn(Toy::batch(method->needs(), 0), watch);
  std::size_t grouped = 0, trainable = 0;
  for (const auto& [name, parameters] : method->groups()) {
    EXPECT_TRUE(watch.stepped.contains(name)) << name;
    grouped += parameters.size();
  }
  for (const auto& parameter : method->parameters()) trainable += parameter.requires_grad() ? 1 : 0;
  EXPECT_EQ(grouped, trainable);
}

TEST_P(EveryMethod, EveryWeightLearnsUnderAutocast) {
  const auto method = make(Norm::batch);
  RecordingStep step;
  {
    const Autocast autocast;
    method->learn(Toy::batch(method->needs(), 0), step);
  }
  EXPECT_TRUE(std::isfinite(step.losses.at(0)));
  for (const auto& item : method->named_parameters()) {
    if (!item.value().requires_grad()) continue;  // a target or a teacher
    // Its table is all that a net learns of it, and that from the second step on: the rows opposite start at 0.
    if (GetParam().method == "cbow" && item.key() != "out") continue;
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0.0) << item.key();
  }
}

TEST_P(EveryMethod, SaysWhatItLearntFrom) {
  const auto method = make();
  RecordingStep step;
  const Batch batch = Toy::batch(method->needs(), 0);
  method->learn(batch, step);
  EXPECT_TRUE(step.logged.contains("loss/s") || batch.labeled.x.empty());
  if (info().family != "semi/correcting") return;
  ASSERT_TRUE(step.label.defined());
  EXPECT_EQ(step.label.scalar_type(), torch::kLong);
  EXPECT_EQ(step.label.sizes(), batch.unlabeled.y.sizes());
  EXPECT_EQ(step.kept.sizes(), batch.unlabeled.y.sizes());
  EXPECT_TRUE(step.logged.contains("loss/u") && step.logged.contains("pseudo_labels/kept"));
}

TEST_P(EveryRecord, ConfigSurvivesJsonAndRefusesUnknownKeys) {
  const Json all = info().resolve(Json::object());
  EXPECT_EQ(info().resolve(Json::parse(all.dump())), all);
  for (const auto& [key, value] : all.items()) {
    const Error error = error_of([&, k = key] { info().resolve(Json{{k + "x", 1}}); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.hint().find(key), std::string::npos) << error.what();
  }
  EXPECT_EQ(error_of([&] {
              info().make(Json{{"no_such_key", 1}}, Toy::task_for(info()), Toy::net_for(info()));
            }).kind(),
            ErrorKind::usage);
}

TEST_P(EveryRecord, EveryFieldHasHelpAndARange) {
  EXPECT_FALSE(info().fields.empty());
  for (const auto& field : info().fields) {
    EXPECT_FALSE(field.help.empty()) << field.name;
    if (field.type != "bool") {
      EXPECT_FALSE(field.range.empty()) << field.name;
    }
  }
}

TEST_P(EveryRecord, HasADocsPageThatNamesEveryFieldAndAGoldenFile) {
  const std::filesystem::path root = FEWLABEL_SOURCE_DIR;
  std::ifstream page(root / "docs" / "methods" / (GetParam().method + ".md"));
  ASSERT_TRUE(page.good());
  std::stringstream text;
  text << page.rdbuf();
  for (const auto& field : info().fields)
    EXPECT_NE(text.str().find("`" + field.name + "`"), std::string::npos) << field.name;
  EXPECT_TRUE(std::filesystem::exists(root / "tests" / "golden" / (GetParam().method + ".json")));
}

TEST_P(EveryRecord, RefusesOtherKindsOfDataWithTheMethodsThatDo) {
  for (const Kind kind : kAllKinds) {
    if (info().takes(kind)) {
      EXPECT_NO_THROW(info().check(kind));
      continue;
    }
    const Net net = Toy::net_for(info());
    Task other = Toy::task_for(info());
    other.layout.kind = kind;
    const Error error = error_of([&] { info().make(Json::object(), other, net); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.hint().find(kind == Kind::text ? "mlm" : "fixmatch"), std::string::npos) << error.what();
  }
}

TEST(Methods, QuarterTurnsAreOfImages) {
  Toy::kind = Kind::text;
  for (const auto& info : all_methods()) {
    if (!info.takes(Kind::text) || !info.resolve(Json::object()).contains("rotation")) continue;
    EXPECT_FALSE(info.short_settings_of(Kind::text).contains("/method/rotation"_json_pointer)) << info.name;
    const Error error = error_of([&] { info.make(Json{{"rotation", 1.0}}, Toy::task(), Toy::net_for(info, "bag")); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << info.name;
    EXPECT_NE(std::string(error.what()).find("quarter turns"), std::string::npos) << error.what();
  }
  Toy::kind = Kind::image;
}

TEST(Methods, UnknownNameIsRefusedWithTheNearest) {
  const Error error = error_of([] { find_method("fixmach"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("fixmatch"), std::string::npos);
}

}  // namespace
}  // namespace fewlabel::testing
