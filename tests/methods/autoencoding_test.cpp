// The autoencoding methods against the values of scripts/golden/autoencoding.py, and what is particular to each.
#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "fewlabel/error.h"
#include "helpers.h"
#include "methods/common/code_density.h"
#include "methods/common/coding.h"
#include "methods/common/pixels.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

/// As `wave` in the script.
Tensor wave(at::IntArrayRef sizes, double phase, double scale) {
  const int64_t count = c10::multiply_integers(sizes);
  return (scale * torch::sin(phase + 0.7 * torch::arange(count, torch::kDouble))).to(torch::kFloat).view(sizes);
}

std::unique_ptr<Method> make(const std::string& name, const Json& config, const std::string& net = "mlp") {
  const MethodInfo& info = find_method(name);
  return info.make(config, Toy::task_for(info), Toy::net_for(info, net));
}

Batch images(const Tensor& x) {
  Batch batch;
  batch.unlabeled = {{x}, torch::full({x.size(0)}, -1, torch::kLong), torch::arange(x.size(0))};
  return batch;
}

class AutoencodingGolden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, AutoencodingGolden,
                         ::testing::Values("autoencoder", "denoising", "vae", "vq_vae", "mae"),
                         [](const auto& info) { return info.param; });

TEST_P(AutoencodingGolden, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  for (const auto& test : golden.at("cases")) {
    const auto method = make(GetParam(), test.at("config"));
    auto parameters = method->parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const torch::NoGradGuard no_grad;
      parameters[i].copy_(wave(parameters[i].sizes(), 1.0 + static_cast<double>(i), 0.3));
    }
    auto buffers = method->named_buffers();
    if (buffers.contains("e")) buffers["e"].copy_(wave(buffers["e"].sizes(), 0.5, 1.0));
    uint64_t number = 0;
    for (const auto& step : test.at("steps")) {
      SCOPED_TRACE(test.at("config").dump() + " at step " + std::to_string(number));
      for (auto& parameter : parameters) parameter.mutable_grad().reset();
      torch::manual_seed(number);
      RecordingStep record;
      method->learn(images(wave({6, 1, 8, 8}, 0.1 + static_cast<double>(number), 2.0)), record);
      method->updated(1.0);
      ++number;
      EXPECT_NEAR(record.losses.at(0), step.at("loss").get<double>(), 1e-5 * std::abs(step.at("loss").get<double>()));
      const auto along = step.at("gradient").get<std::vector<double>>();
      ASSERT_EQ(along.size(), parameters.size());
      for (std::size_t i = 0; i < along.size(); ++i) {
        const Tensor gradient = parameters[i].grad().contiguous();
        const double found = (gradient * wave(gradient.sizes(), 0.3, 1.0)).sum().item<double>();
        EXPECT_NEAR(found, along[i], 1e-3 * std::abs(along[i]) + 2e-5) << method->named_parameters()[i].key();
      }
      if (!step.contains("e")) continue;
      const auto rows = step.at("e").get<std::vector<std::vector<double>>>();
      for (std::size_t k = 0; k < rows.size(); ++k)
        for (std::size_t d = 0; d < rows[k].size(); ++d)
          EXPECT_NEAR(buffers["e"][static_cast<int64_t>(k)][static_cast<int64_t>(d)].item<double>(), rows[k][d], 1e-5);
    }
  }
}

TEST(Pixels, AreTheInputTimesDeviationPlusMeanWithinZeroAndOne) {
  Task task = Toy::task();
  task.layout = ImageShape{8, 8, 2};
  task.mean = {0.25F, 0.5F};
  task.deviation = {0.5F, 0.1F};
  const Pixels pixels(task);
  const Tensor x = torch::tensor({{{{1.0F}}, {{-2.0F}}}, {{{-3.0F}}, {{6.0F}}}});
  const Tensor wanted = torch::tensor({{{{0.75F}}, {{0.3F}}}, {{{0.0F}}, {{1.0F}}}});
  EXPECT_TRUE(torch::allclose(pixels->to_pixels(x), wanted));
  EXPECT_TRUE(torch::allclose(pixels->from_pixels(wanted[0].unsqueeze(0)), x[0].unsqueeze(0)));
  task.mean.clear();
  task.deviation.clear();
  EXPECT_TRUE(torch::equal(Pixels(task)->to_pixels(wanted), wanted));
}

TEST(CodeDensity, SamplesHaveMeanAndCovarianceOfTheCodesAndFollowThem) {
  torch::manual_seed(3);
  const Tensor mix = torch::tensor({{1.0F, 0.0F, 0.0F}, {0.8F, 0.3F, 0.0F}, {0.0F, 0.0F, 0.0F}});  // singular
  const Tensor mean = torch::tensor({1.0F, -2.0F, 0.5F});
  CodeDensity density(3);
  for (int i = 0; i < 1000; ++i) {
    density->observe(torch::randn({20, 3}).mm(mix.t()) + mean);
    density->observe(torch::randn({20, 3}).mm(mix.t()) + mean);
    density->updated();
  }
  const Tensor drawn = density->sample(20000, 1);
  EXPECT_TRUE(torch::allclose(drawn.mean(0), mean, 0.0, 0.08)) << drawn.mean(0);
  EXPECT_TRUE(torch::allclose(torch::cov(drawn.t()), mix.mm(mix.t()), 0.0, 0.1)) << torch::cov(drawn.t());
  EXPECT_TRUE(torch::equal(drawn, density->sample(20000, 1)));
}

TEST(Coding, LossesEqualTheLoop) {
  const Tensor x = wave({3, 1, 2, 2}, 0.0, 0.5) + 0.5, logits = wave({3, 1, 2, 2}, 1.0, 3.0);
  double square = 0.0, entropy = 0.0;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double one = x.flatten()[i].item<double>(), p = 1.0 / (1.0 + std::exp(-logits.flatten()[i].item<double>()));
    square += (one - p) * (one - p);
    entropy -= one * std::log(p) + (1.0 - one) * std::log(1.0 - p);
  }
  EXPECT_NEAR(reconstruction_loss("squared_error", x, logits).item<double>(), square / 3.0, 1e-5);
  EXPECT_NEAR(reconstruction_loss("cross_entropy", x, logits).item<double>(), entropy / 3.0, 1e-5);
  EXPECT_NEAR(reconstruction_loss("gaussian", x, logits).item<double>(), 2.0 * std::log(square / 12.0 + 1e-6), 1e-5);
  EXPECT_NEAR(error_per_pixel(x, logits).item<double>(), square / 12.0, 1e-6);
}

TEST(Coding, DenseIsHintonsShapeOn784PixelsAndScalesWithTheImage) {
  const auto sizes = [](const ImageShape& shape) {
    Task task = Toy::task();
    task.layout = shape;
    const Coding coding = make_coding({}, task, nullptr, 8);
    std::vector<int64_t> result;
    for (const Coder& half : {coding.encoder, coding.decoder})
      for (const auto& item : half->named_parameters())
        if (item.value().dim() == 2) result.push_back(item.value().size(0));
    return result;
  };
  EXPECT_EQ(sizes({28, 28, 1}), (std::vector<int64_t>{128, 64, 8, 64, 128, 784}));
  EXPECT_EQ(sizes({32, 32, 3}), (std::vector<int64_t>{501, 251, 8, 251, 501, 3072}));
}

class EveryReconstructor : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, EveryReconstructor,
                         ::testing::Values("autoencoder", "denoising", "vae", "vq_vae", "mae"),
                         [](const auto& info) { return info.param; });

TEST_P(EveryReconstructor, TrainingBringsReconstructionsNearer) {
  const MethodInfo& info = find_method(GetParam());
  const auto method = make(GetParam(), Json::object());
  const Tensor x = Toy::test(64).x[0], pixels = Pixels(Toy::task())->to_pixels(x);
  const auto error = [&] {
    const torch::NoGradGuard no_grad;
    method->eval();
    const Tensor made = dynamic_cast<Reconstructor&>(*method).reconstruct(x);
    EXPECT_EQ(made.sizes(), x.sizes());
    EXPECT_GE(made.min().item<double>(), 0.0);
    EXPECT_LE(made.max().item<double>(), 1.0);
    return (made - pixels).square().mean().item<double>();
  };
  const double before = error();
  ToyTrainer(*method, ToyRule::of(info)).run(0, 150, 150);
  const double after = error(), mean = (pixels - pixels.mean(0)).square().mean().item<double>();
  EXPECT_LT(after, before);
  EXPECT_LT(after, mean);  // better than the mean image
}

TEST(Autoencoder, ConvEncodesWithTheNetAndDenseLeavesItAlone) {
  const auto names = [](const Json& config) {
    std::string all;
    for (const auto& item : make("autoencoder", config, "cnn")->named_parameters()) all += item.key() + " ";
    return all;
  };
  EXPECT_EQ(names({{"architecture", "dense"}}).find("stages"), std::string::npos);
  EXPECT_NE(names({{"architecture", "conv"}}).find("encoder.net.stages"), std::string::npos);
}

TEST(Vae, DivergenceIsZeroAtThePrior) {
  const auto method = make("vae", {{"code", 2}, {"width", 6}, {"loss", "cross_entropy"}});
  const torch::NoGradGuard no_grad;
  for (auto& parameter : method->parameters()) parameter.zero_();
  const torch::AutoGradMode with_grad(true);
  RecordingStep record;
  method->learn(images(wave({4, 1, 8, 8}, 0.0, 1.0)), record);
  EXPECT_NEAR(record.logged.at("loss/divergence"), 0.0, 1e-6);
  EXPECT_NEAR(record.logged.at("loss/reconstruction"), 64 * std::log(2.0), 1e-3);  // σ(0) = ½ for each pixel
}

TEST(VqVae, EntriesAreInUseAfterAShortTraining) {
  const auto method = make("vq_vae", {{"entries", 16}});
  ToyTrainer trainer(*method, ToyRule::of(find_method("vq_vae")));
  trainer.run(0, 60, 60);
  EXPECT_GT(trainer.logged.at("codes/perplexity"), 2.0);
  const Tensor n = method->named_buffers()["n"];
  EXPECT_GT((n.min() / n.mean()).item<double>(), 0.001);
}

TEST(Mae, RefusesANetWithoutPatches) {
  const MethodInfo& info = find_method("mae");
  const Error error = error_of([&] { info.make(Json::object(), Toy::task_for(info), Toy::net("mlp")); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("net=vit"), std::string::npos);
}

TEST(Mae, ReconstructionKeepsWhatTheEncoderSaw) {
  const auto method = make("mae", {{"mask_ratio", 0.5}});
  const Tensor x = Toy::test(8).x[0], pixels = Pixels(Toy::task())->to_pixels(x);
  const torch::NoGradGuard no_grad;
  const Tensor same = dynamic_cast<Reconstructor&>(*method).reconstruct(x).sub(pixels).abs().lt(1e-5);
  const Tensor kept = same.view({8, 4, 2, 4, 2}).permute({0, 1, 3, 2, 4}).flatten(3).all(3);  // by patch
  EXPECT_EQ(kept.sum().item<int64_t>(), 8 * 8);
}

}  // namespace
}  // namespace fewlabel::testing
