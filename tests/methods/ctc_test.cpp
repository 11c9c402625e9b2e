// Methods that learn from transcripts: losses against all paths one by one, and a toy that the labels alone do not
// learn.
#include "methods/common/ctc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

using ::testing::HasSubstr;

/// −log of the sum over all paths that say it.
double by_all_paths(const Tensor& emissions, const std::vector<int32_t>& said) {
  const int64_t frames = emissions.size(0), symbols = emissions.size(1);
  const Tensor plain = emissions.to(torch::kDouble).contiguous();
  double sum = 0;
  int64_t paths = 1;
  for (int64_t t = 0; t < frames; ++t) paths *= symbols;
  for (int64_t path = 0; path < paths; ++path) {
    std::vector<int32_t> heard;
    double log_probability = 0;
    int64_t rest = path, before = 0;
    for (int64_t t = 0; t < frames; ++t, rest /= symbols) {
      const int64_t symbol = rest % symbols;
      log_probability += plain[t][symbol].item<double>();
      if (symbol != 0 && symbol != before) heard.push_back(static_cast<int32_t>(symbol));
      before = symbol;
    }
    if (heard == said) sum += std::exp(log_probability);
  }
  return -std::log(sum);
}

TEST(Ctc, is_the_sum_over_all_paths_a_symbol) {
  torch::manual_seed(1);
  const Tensor emissions = torch::randn({4, 5, 3}).log_softmax(2);
  const Symbols symbols = {{1}, {1, 2}, {2, 2, 1}, {}};
  const Tensor loss = ctc_each(emissions, symbols);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(loss[static_cast<int64_t>(i)].item<double>(),
                by_all_paths(emissions[static_cast<int64_t>(i)], symbols[i]) / static_cast<double>(symbols[i].size()),
                1e-5);
  EXPECT_EQ(loss[3].item<double>(), 0);
}

TEST(Ctc, what_cannot_be_said_in_so_few_frames_teaches_nothing) {
  Tensor x = torch::randn({1, 3, 3}, torch::requires_grad());
  const Tensor loss = ctc_each(x.log_softmax(2), {{1, 1, 1}});  // needs five frames
  loss.sum().backward();
  EXPECT_EQ(loss.item<double>(), 0);
  EXPECT_EQ(x.grad().abs().max().item<double>(), 0);
  EXPECT_EQ(ctc_each(x.log_softmax(2), {{}}).sum().item<double>(), 0);
}

TEST(Ctc, silence_is_what_does_not_change) {
  Tensor x = torch::full({1, 100}, -0.3);
  x.slice(1, 40, 70) = torch::randn({1, 30});
  const Tensor samples = sounding(x, 10);
  EXPECT_TRUE(samples[0].slice(0, 4, 7).all().item<bool>());
  EXPECT_FALSE(samples[0].slice(0, 0, 4).any().item<bool>() || samples[0].slice(0, 8, 10).any().item<bool>());
  Tensor picture = torch::zeros({1, 1, 8, 20});
  picture.slice(3, 4, 9) = torch::randn({1, 1, 8, 5});
  const Tensor frames = sounding(picture, 20);
  EXPECT_EQ(frames.sum().item<int64_t>(), 5);
  EXPECT_TRUE(frames[0][4].item<bool>() && frames[0][8].item<bool>());
}

TEST(Ctc, hears_the_likeliest_symbols) {
  const Tensor emissions =
      torch::tensor({{{0.9, 0.05, 0.05}, {0.1, 0.8, 0.1}, {0.1, 0.8, 0.1}, {0.2, 0.1, 0.7}}}).log();
  const Heard heard = hear(emissions);
  EXPECT_EQ(heard.symbols, (Symbols{{1, 2}}));
  // Frames count by their probability of being no blank.
  EXPECT_NEAR(heard.confidence.item<double>(),
              (0.1 * 0.9 + 0.9 * 0.8 + 0.9 * 0.8 + 0.8 * 0.7) / (0.1 + 0.9 + 0.9 + 0.8), 1e-5);
}

/// Recordings of 8 bands by 40 frames: three tones in a row, each of one of three pitches, which are what is said.
class Tones {
 public:
  static constexpr int64_t kFrames = 40, kLabeled = 9, kUnlabeled = 200;
  static Layout layout() { return {Kind::audio, Layout::Type::f32, {8, kFrames, 1}, 0, 1000, 10 * kFrames}; }
  static std::vector<int32_t> said(std::string_view pool, int64_t index) {
    Random own({.seed = 8, .purpose = pool, .index = static_cast<uint64_t>(index)});
    std::vector<int32_t> symbols;
    while (symbols.size() < 3)
      if (const auto next = static_cast<int32_t>(1 + own.below(3)); symbols.empty() || symbols.back() != next)
        symbols.push_back(next);
    return symbols;
  }
  static Tensor heard(std::string_view pool, int64_t index, double noise, uint64_t draw) {
    Tensor x = torch::zeros({1, 8, kFrames});
    auto value = x.accessor<float, 3>();
    const std::vector<int32_t> symbols = said(pool, index);
    Random own({.seed = 9, .purpose = pool, .index = static_cast<uint64_t>(index)});
    Random augment({.seed = 9, .purpose = "augment", .epoch = draw, .index = static_cast<uint64_t>(index)});
    for (int64_t part = 0; part < 3; ++part) {
      const int64_t begin = 12 * part + 1 + own.below(5);
      for (int64_t t = begin; t < begin + 6; ++t)
        for (int64_t band = 0; band < 2; ++band)
          value[0][2 * (symbols[static_cast<std::size_t>(part)] - 1) + band + 1][t] = 2;
    }
    for (int64_t band = 0; band < 8; ++band)
      for (int64_t t = 0; t < kFrames; ++t)
        value[0][band][t] += static_cast<float>(0.5 * own.normal() + noise * augment.normal());
    return x;
  }
  static Views views(std::string_view pool, int64_t count, int64_t size, const std::vector<double>& noises,
                     uint64_t t) {
    Views views;
    std::vector<int64_t> index;
    Random draw({.seed = 7, .purpose = pool, .epoch = t});
    for (int64_t i = 0; i < count; ++i)
      index.push_back(count == size ? i : static_cast<int64_t>(draw.below(static_cast<uint32_t>(size))));
    for (std::size_t v = 0; v < noises.size(); ++v) {
      std::vector<Tensor> x;
      for (const int64_t i : index) x.push_back(heard(pool, i, noises[v], 2 * t + v));
      views.x.push_back(torch::stack(x));
    }
    views.index = torch::tensor(index);
    views.y = torch::zeros({count}, torch::kLong);
    return views;
  }
  /// Share of the test recordings that are written down without a mistake, before and after a training.
  static std::pair<double, double> train(const std::string& name, int64_t steps, const Json& settings) {
    torch::set_num_threads(1);
    const MethodInfo& info = find_method(name);
    NetConfig config;
    config.name = "tc_resnet";
    config.width = 1;
    Task task{.layout = layout(),
              .classes = 4,
              .labeled = kLabeled,
              .unlabeled = kUnlabeled,
              .class_share = {1, 0, 0, 0},
              .steps = steps,
              .seed = 1};
    for (int64_t i = 0; i < kLabeled; ++i) task.transcripts.push_back(said("labeled", i));
    const auto method = info.make(settings, task, make_net(config, layout(), 4, 1));
    const double before = right(*method);
    torch::optim::Adam adam(method->groups().at("model"), torch::optim::AdamOptions(3e-3));
    for (int64_t t = 0; t < steps; ++t) {
      method->train();
      adam.zero_grad();
      RecordingStep step;
      const auto unlabeled = static_cast<int64_t>(method->needs().unlabeled.size());
      Batch batch{views("labeled", kLabeled, kLabeled, {0.5}, static_cast<uint64_t>(t)), {}};
      if (unlabeled > 0) batch.unlabeled = views("unlabeled", 24, kUnlabeled, {0.8, 0.1}, static_cast<uint64_t>(t));
      method->learn(batch, step);
      adam.step();
      method->updated(static_cast<double>(t + 1) / static_cast<double>(steps));
    }
    return {before, right(*method)};
  }

 private:
  static double right(Method& method) {
    const torch::NoGradGuard no_grad;
    method.eval();
    constexpr int64_t kTested = 100;
    const Views test = views("test", kTested, kTested, {0.0}, 0);
    const Heard found = hear(dynamic_cast<Transcriber&>(method).emissions(test.x[0]));
    int64_t right = 0;
    for (int64_t i = 0; i < kTested; ++i) right += found.symbols[static_cast<std::size_t>(i)] == said("test", i);
    return static_cast<double>(right) / kTested;
  }
};

TEST(Transcripts, untranscribed_recordings_help_beyond_the_transcripts_alone) {
  constexpr int64_t kSteps = 300;
  const auto [untrained, alone] = Tones::train("ctc", kSteps, Json::object());
  const auto [same, taught] = Tones::train("mpl", kSteps, {{"decay", 0.98}, {"tau", 0.0}});
  EXPECT_LE(untrained, 0.05);
  EXPECT_GE(taught, 0.75);
  EXPECT_GT(taught, alone + 0.1);
}

TEST(Transcripts, need_a_net_that_hears_single_moments) {
  const MethodInfo& info = find_method("mpl");
  Task task{.layout = Tones::layout(), .classes = 4, .labeled = 6, .unlabeled = 6, .class_share = {1, 0, 0, 0}};
  NetConfig config;
  config.name = "cnn";
  const Error error = error_of([&] { info.make(Json::object(), task, make_net(config, Tones::layout(), 4, 1)); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.hint(), HasSubstr("tc_resnet"));
}

}  // namespace
}  // namespace fewlabel::testing
