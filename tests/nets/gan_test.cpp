// Generator, discriminator and spectral norm.
#include "nets/gan.h"

#include <torch/torch.h>

#include "fewlabel/error.h"
#include "helpers.h"

namespace fewlabel::testing {
namespace {

TEST(Generator, PaintsEverySizeThatIsAMultipleOfFour) {
  for (const ImageShape shape : {ImageShape{8, 8, 1}, {28, 28, 1}, {32, 32, 3}, {12, 20, 3}, {64, 64, 3}}) {
    Generator generator = make_generator({.shape = shape, .latent = 5, .width = 8, .seed = 1});
    const torch::NoGradGuard no_grad;
    torch::manual_seed(2);  // of 37 thousand pixels the farthest is near the bounds for some codes
    const Tensor x = generator->forward(torch::randn({3, 5}));
    EXPECT_EQ(x.sizes(), (std::vector<int64_t>{3, shape.channels, shape.height, shape.width}));
    // Far from the ends of the sigmoid, where it would not learn, and not the same everywhere.
    EXPECT_GT(x.min().item<double>(), 0.001);
    EXPECT_LT(x.max().item<double>(), 0.999);
    EXPECT_GT(x.std().item<double>(), 0.05);
    Discriminator discriminator = make_discriminator({.shape = shape, .width = 8, .seed = 1});
    EXPECT_EQ(discriminator->forward(x).sizes(), (std::vector<int64_t>{3}));
    EXPECT_EQ(discriminator->features(x).sizes(), (std::vector<int64_t>{3, discriminator->feature_size()}));
  }
}

TEST(Generator, RefusesOtherSizesWithTheNextThatWillDo) {
  const Error error = error_of([] { make_generator({.shape = {30, 30, 1}}); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("data.size=32"), std::string::npos) << error.hint();
}

TEST(Generator, IsMadeByItsSeedAlone) {
  const Tensor z = torch::randn({2, 64});
  torch::manual_seed(1);
  const Tensor a = make_generator({.shape = {28, 28, 1}, .seed = 7})->forward(z);
  torch::manual_seed(2);
  EXPECT_TRUE(torch::equal(a, make_generator({.shape = {28, 28, 1}, .seed = 7})->forward(z)));
  EXPECT_FALSE(torch::equal(a, make_generator({.shape = {28, 28, 1}, .seed = 8})->forward(z)));
}

TEST(Generator, PaintsOneImageAsAmongOthers) {
  Generator generator = make_generator({.shape = {28, 28, 1}, .width = 16, .classes = 4, .seed = 7});
  const torch::NoGradGuard no_grad;
  const Tensor z = torch::randn({6, 64}), y = torch::tensor({0, 1, 2, 3, 0, 1});
  generator->forward(z, y);  // in training, which moves the statistics of batch norm
  generator->eval();
  const Tensor together = generator->forward(z, y);
  EXPECT_TRUE(
      torch::allclose(together.slice(0, 2, 3), generator->forward(z.slice(0, 2, 3), y.slice(0, 2, 3)), 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(together.slice(0, 2, 3), generator->forward(z.slice(0, 2, 3), y.slice(0, 0, 1))));
}

TEST(SpectralNorm, DividesByTheLargestSingularValue) {
  torch::manual_seed(3);
  const Tensor weight = torch::randn({6, 5, 3, 3});
  SpectralNorm norm(weight, true);
  norm->settle(weight);
  norm->eval();
  const double sigma = torch::linalg_svdvals(weight.flatten(1)).max().item<double>();
  EXPECT_TRUE(torch::allclose(norm->forward(weight), weight / sigma, 1e-3, 1e-4));

  // In training it follows a weight that moves, one step a pass; in evaluation it stands.
  const Tensor moved = torch::randn({6, 5, 3, 3});
  const auto largest = [&](const Tensor& w) { return torch::linalg_svdvals(w.flatten(1)).max().item<double>(); };
  const double before = largest(norm->forward(moved));
  EXPECT_EQ(largest(norm->forward(moved)), before);
  norm->train();
  for (int i = 0; i < 200; ++i) norm->forward(moved);
  EXPECT_NEAR(largest(norm->forward(moved)), 1.0, 1e-3);
  EXPECT_GT(std::abs(before - 1.0), 0.01);
}

TEST(SpectralNorm, HasTheGradientOfTheQuotient) {
  torch::manual_seed(4);
  const Tensor weight = torch::randn({4, 3}, torch::kDouble).requires_grad_(),
               direction = torch::randn({4, 3}, torch::kDouble);
  SpectralNorm norm(weight, true);
  norm->to(torch::kDouble);
  for (int i = 0; i < 20; ++i) norm->settle(weight);
  norm->eval();
  const Tensor found = torch::autograd::grad({(norm->forward(weight) * direction).sum()}, {weight})[0];
  const Tensor slow = (weight / torch::linalg_svdvals(weight).max() * direction).sum();
  EXPECT_TRUE(torch::allclose(found, torch::autograd::grad({slow}, {weight})[0], 1e-6, 1e-8));
}

TEST(SpectralNorm, TwoPassesMayWaitForTheirBackward) {
  Discriminator discriminator = make_discriminator({.shape = {8, 8, 1}, .width = 8, .seed = 1});
  const Tensor x = torch::randn({4, 1, 8, 8});
  (discriminator->forward(x).sum() + discriminator->forward(-x).sum()).backward();
  EXPECT_TRUE(discriminator->parameters().front().grad().defined());
}

TEST(Discriminator, JudgesEachExampleByItself) {
  Discriminator discriminator = make_discriminator({.shape = {28, 28, 1}, .width = 8, .latent = 3, .seed = 1});
  discriminator->eval();
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({4, 1, 28, 28}), z = torch::randn({4, 3});
  const Tensor all = discriminator->forward(x, z);
  EXPECT_TRUE(
      torch::allclose(all.slice(0, 1, 2), discriminator->forward(x.slice(0, 1, 2), z.slice(0, 1, 2)), 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(all, discriminator->forward(x, z.flip(0))));  // the code matters
}

TEST(Discriminator, ProjectsTheLabel) {
  Discriminator discriminator = make_discriminator({.shape = {8, 8, 1}, .width = 8, .classes = 3, .seed = 1});
  discriminator->eval();
  const torch::NoGradGuard no_grad;
  const Tensor x = torch::randn({2, 1, 8, 8});
  EXPECT_FALSE(torch::allclose(discriminator->forward(x, torch::tensor({0, 1})),
                               discriminator->forward(x, torch::tensor({2, 1}))));
}

}  // namespace
}  // namespace fewlabel::testing
