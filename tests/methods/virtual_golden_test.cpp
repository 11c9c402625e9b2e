// vae_m2, flow_matching and virtual_data against the values of scripts/golden/virtual.py (PyTorch, written from the
// papers apart from this code), and the pieces of a variational bound against slow oracles.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "fewlabel/method.h"
#include "methods/common/gaussian.h"
#include "methods/common/pixels.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

Tensor sines(c10::IntArrayRef shape, double phase, double size = 0.5) {
  int64_t count = 1;
  for (const int64_t side : shape) count *= side;
  return (size * torch::sin(0.7 * torch::arange(count, torch::kDouble) + phase)).to(torch::kFloat).view(shape);
}

/// logits: the sums of the image's first rows.
class RowNet final : public NetModule {
 public:
  explicit RowNet(int64_t classes) : classes_(classes), one_(register_parameter("one", torch::ones({}))) {}
  Tensor features(const Tensor& x) override { return x.select(1, 0).slice(1, 0, classes_).sum(2); }
  Tensor classify(const Tensor& features) override { return one_ * features; }
  int64_t feature_size() const override { return classes_; }

 private:
  int64_t classes_;
  Tensor one_;
};

/// The parameters of the generator, or of the variational nets.
std::vector<Tensor> generator_of(const Method& method) {
  std::vector<Tensor> parameters;
  for (const auto& item : method.named_parameters())
    if (item.key().starts_with("flow.net") || item.key().find("coder") != std::string::npos)
      parameters.push_back(item.value());
  return parameters;
}

/// Weight i of the generator is sines(i); the classifier stays as it is.
void set_weights(const Method& method) {
  const torch::NoGradGuard no_grad;
  double phase = 0;
  for (Tensor& parameter : generator_of(method)) parameter.copy_(sines(parameter.sizes(), phase++, 0.1));
}

/// As `along` in the script.
void expect_gradients(const std::vector<Tensor>& parameters, const Json& expected) {
  ASSERT_EQ(parameters.size(), expected.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Tensor gradient = parameters[i].grad().contiguous();
    const double found = (gradient * sines(gradient.sizes(), 0.3, 1.0)).sum().item<double>();
    EXPECT_NEAR(found, expected[i].get<double>(), 1e-3 * std::abs(expected[i].get<double>()) + 2e-5) << i;
  }
}

class VirtualGolden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, VirtualGolden, ::testing::Values("vae_m2", "flow_matching", "virtual_data"),
                         [](const auto& info) { return info.param; });

TEST_P(VirtualGolden, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  Task task{.layout = ImageShape{8, 8, 1},
            .classes = golden.at("classes"),
            .labeled = golden.at("labeled"),
            .unlabeled = golden.at("unlabeled"),
            .class_share = golden.at("class_share").get<std::vector<double>>(),
            .steps = 4};
  task.mean = {0.25F};
  task.deviation = {0.2F};
  for (const auto& test : golden.at("cases")) {
    SCOPED_TRACE(test.at("config").dump());
    const auto net = std::make_shared<RowNet>(task.classes);
    const auto method = find_method(GetParam()).make(test.at("config"), task, net);
    set_weights(*method);
    const Needs needs = method->needs();
    constexpr int64_t kLabeled = 4;
    const auto views = [&](std::size_t count, int64_t size, double phase) {
      const Tensor x = Pixels(task)->from_pixels(0.5 + sines({size, 1, 8, 8}, phase));
      return Views{std::vector<Tensor>(count, x), torch::full({size}, -1, torch::kLong), torch::arange(size)};
    };
    Batch batch{views(needs.labeled.size(), kLabeled, 0), views(needs.unlabeled.size(), kLabeled * needs.ratio, 1)};
    batch.labeled.y = torch::arange(kLabeled).remainder(task.classes);
    torch::manual_seed(11);
    RecordingStep step;
    method->learn(batch, step);

    const Json& expected = test.at("expected");
    const auto losses = expected.at("loss").get<std::vector<double>>();
    ASSERT_EQ(step.losses.size(), losses.size());
    for (std::size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(step.losses[i], losses[i], 1e-5 * (1 + losses[i]));
    for (const auto& [name, value] : expected.items()) {
      if (!value.is_number()) continue;
      EXPECT_NEAR(step.logged.at(name), value.get<double>(), 1e-5 * (1 + value.get<double>())) << name;
    }
    expect_gradients(generator_of(*method), expected.at("gradient"));
    if (expected.contains("gradient_classifier"))
      expect_gradients(net->parameters(), expected.at("gradient_classifier"));
  }
}

TEST(Gaussian, MatchesFormulasAndIntegrals) {
  const Gaussian q = gaussian(torch::tensor({{0.3F, -1.2F, 0.4F, -0.8F}}));
  const double mean[] = {0.3, -1.2}, log_variance[] = {0.4, -0.8}, z[] = {0.1, 0.7};
  double density = 0, divergence = 0;
  for (int d = 0; d < 2; ++d) {
    const double variance = std::exp(log_variance[d]);
    const auto log_normal = [](double x, double m, double v) {
      return -0.5 * std::log(2 * std::numbers::pi * v) - (x - m) * (x - m) / (2 * v);
    };
    density += log_normal(z[d], mean[d], variance);
    constexpr double kStep = 1e-3;
    for (double x = -12; x < 12; x += kStep)  // KL as an integral
      divergence +=
          std::exp(log_normal(x, mean[d], variance)) * (log_normal(x, mean[d], variance) - log_normal(x, 0, 1)) * kStep;
  }
  EXPECT_NEAR(log_density(q, torch::tensor({{0.1F, 0.7F}})).item<double>(), density, 1e-5);
  EXPECT_NEAR(kl_to_standard(q).item<double>(), divergence, 1e-4);
  EXPECT_NEAR(kl_to_standard(gaussian(torch::zeros({1, 6}))).item<double>(), 0.0, 1e-7);
}

TEST(Gaussian, DrawsHaveItsMeanAndDeviation) {
  torch::manual_seed(1);
  const Gaussian q{torch::full({20000, 1}, 1.5F), torch::full({20000, 1}, std::log(0.25F))};
  const Tensor z = draw(q);
  EXPECT_NEAR(z.mean().item<double>(), 1.5, 0.02);
  EXPECT_NEAR(z.std().item<double>(), 0.5, 0.02);
}

TEST(Gaussian, BernoulliLikelihoodSumsOverPixels) {
  const Tensor logits = torch::tensor({{0.5F, -2.0F, 1.0F}}), x = torch::tensor({{1.0F, 0.0F, 0.25F}});
  double expected = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const double p = 1 / (1 + std::exp(-logits[0][i].item<double>())), value = x[0][i].item<double>();
    expected += value * std::log(p) + (1 - value) * std::log(1 - p);
  }
  EXPECT_NEAR(bernoulli_log_likelihood(logits, x).item<double>(), expected, 1e-6);
}

TEST(VaeM2, SamplesDependOnTheClassAskedFor) {
  const MethodInfo& info = find_method("vae_m2");
  const auto method = info.make(info.short_settings.at("method"), Toy::task(), Toy::net());
  ToyTrainer trainer(*method, ToyRule::of(info));
  trainer.run(0, 300, 300);  // as long as tests/conformance gives a sampler
  auto& sampler = dynamic_cast<Sampler&>(*method);
  EXPECT_TRUE(sampler.conditional());
  int64_t right = 0;
  for (int64_t label = 0; label < Toy::kClasses; ++label) {
    const Tensor x = sampler.sample({.count = 20, .label = label, .seed = 1});
    const Tensor corner =
        torch::stack({x.slice(2, 0, 4).slice(3, 0, 4).mean({1, 2, 3}), x.slice(2, 4, 8).slice(3, 0, 4).mean({1, 2, 3}),
                      x.slice(2, 0, 4).slice(3, 4, 8).mean({1, 2, 3})});
    right += corner.argmax(0).eq(label).sum().item<int64_t>();
  }
  EXPECT_GE(right, 50);
}

}  // namespace
}  // namespace fewlabel::testing
