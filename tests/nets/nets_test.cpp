// Shapes, sizes, initialisation and copies of every net.
#include <torch/torch.h>

#include <cmath>

#include "fewlabel/error.h"
#include "helpers.h"
#include "nets/build.h"
#include "nets/coder.h"
#include "nets/vit.h"

namespace fewlabel {
namespace {

using fewlabel::testing::error_of;

NetConfig named(const std::string& name) {
  NetConfig config;
  config.name = name;
  return config;
}

Net build(const std::string& name, const ImageShape& shape = {32, 32, 3}, uint64_t seed = 7) {
  return make_net(named(name), shape, 10, seed);
}

/// A batch that depends on nothing but its shape.
Tensor ramp(const ImageShape& shape, int64_t count = 4) {
  return torch::sin(torch::arange(count * shape.bytes(), torch::kFloat))
      .view({count, shape.channels, shape.height, shape.width})
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

class EveryNet : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Nets, EveryNet, ::testing::ValuesIn(net_names(Kind::image)),
                         [](const auto& info) { return info.param; });

TEST_P(EveryNet, GivesFeaturesAndLogitsForAnySmallShape) {
  for (const ImageShape& shape : {ImageShape{8, 8, 1}, ImageShape{21, 12, 3}}) {
    const Net net = make_net(named(GetParam()), shape, 5, 1);
    const Tensor x = ramp(shape, 2), features = net->features(x);
    EXPECT_EQ(features.sizes(), (std::vector<int64_t>{2, net->feature_size()})) << shape.height;
    EXPECT_EQ(net->forward(x).sizes(), (std::vector<int64_t>{2, 5})) << shape.height;
    EXPECT_TRUE(net->forward(x).isfinite().all().item<bool>());
  }
}

TEST_P(EveryNet, SameSeedGivesSameBitsWhateverTheGlobalGenerator) {
  torch::manual_seed(1);
  const Net a = build(GetParam(), {16, 16, 3});
  torch::manual_seed(2);
  torch::rand({5});
  const Net b = build(GetParam(), {16, 16, 3});
  const auto pa = a->parameters(), pb = b->parameters();
  ASSERT_EQ(pa.size(), pb.size());
  for (std::size_t i = 0; i < pa.size(); ++i) EXPECT_TRUE(torch::equal(pa[i], pb[i])) << i;
}

TEST(Nets, AnotherSeedGivesOtherWeights) {
  EXPECT_FALSE(
      torch::equal(build("cnn", {16, 16, 3}, 7)->parameters()[0], build("cnn", {16, 16, 3}, 8)->parameters()[0]));
}

TEST_P(EveryNet, WithoutClassesHasNoHeadAndGivesFeatures) {
  const ImageShape shape{16, 16, 3};
  const Net net = make_net(named(GetParam()), shape, 0, 7), with_head = build(GetParam(), shape);
  EXPECT_EQ(net->forward(ramp(shape)).size(1), net->feature_size());
  std::size_t of_head = 0;
  for (const auto& name : with_head->named_parameters().keys()) of_head += name.starts_with("head") ? 1 : 0;
  EXPECT_GE(of_head, 2u);  // weight and bias
  EXPECT_EQ(net->named_parameters().size() + of_head, with_head->named_parameters().size());
}

TEST_P(EveryNet, FrozenCopyIsEqualSeparateAndWithoutGradient) {
  const ImageShape shape{16, 16, 3};
  const Net net = build(GetParam(), shape);
  net->forward(ramp(shape));  // moves the running statistics
  const Net copy = frozen_copy(*net);
  EXPECT_EQ(copy->is_training(), net->is_training());
  net->eval();
  copy->eval();
  EXPECT_TRUE(torch::equal(net->forward(ramp(shape)), copy->forward(ramp(shape))));
  for (const auto& parameter : copy->parameters()) EXPECT_FALSE(parameter.requires_grad());

  const Tensor before = copy->forward(ramp(shape));
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : net->parameters()) parameter.add_(1.0);
    for (auto& buffer : net->buffers()) buffer.add_(1);
  }
  EXPECT_TRUE(torch::equal(before, copy->forward(ramp(shape))));
}

TEST_P(EveryNet, EveryParameterGetsAGradient) {
  const ImageShape shape{16, 16, 3};
  const Net net = build(GetParam(), shape);
  net->forward(ramp(shape)).square().sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<float>(), 0.0F) << item.key();
  }
}

TEST_P(EveryNet, ConvolutionWeightsAreChannelsLast) {
  for (const auto& item : build(GetParam(), {16, 16, 3})->named_parameters())
    if (item.value().dim() == 4) {
      EXPECT_TRUE(item.value().is_contiguous(torch::MemoryFormat::ChannelsLast)) << item.key();
    }
}

TEST(Nets, HaveThePublishedNumberOfParameters) {
  // torchvision's counts less what its 7 × 7 stem and 1,000 classes add; WRN-28-2 as in the papers, 1.47 M.
  EXPECT_EQ(parameter_count(*build("resnet18")), 11'173'962);
  EXPECT_EQ(parameter_count(*build("resnet34")), 21'282'122);
  EXPECT_EQ(parameter_count(*build("resnet50")), 23'520'842);
  EXPECT_EQ(parameter_count(*build("wrn_28_2")), 1'467'610);
  EXPECT_EQ(parameter_count(*build("seed_cnn", {28, 28, 1})), 32 * 9 + 32 + 10 * (32 * 13 * 13) + 10);
  EXPECT_EQ(parameter_count(*make_net(named("resnet18"), ImageShape{224, 224, 3}, 1000, 0)), 11'689'512);
}

TEST(Vit, HasThePublishedNumberOfParametersLessItsClassToken) {
  // DeiT-Ti and DeiT-S (timm's counts, 224 pixels, 1,000 classes), less class token and learnt places.
  EXPECT_EQ(parameter_count(*make_net(named("vit_tiny"), ImageShape{224, 224, 3}, 1000, 0)),
            5'717'416 - 192 - 197 * 192);
  EXPECT_EQ(parameter_count(*make_net(named("vit_small"), ImageShape{224, 224, 3}, 1000, 0)),
            22'050'664 - 384 - 197 * 384);
}

TEST(Vit, PatchesAreCutRowByRowAndGoBack) {
  const ImageShape shape{5, 8, 2};
  const Tensor x = torch::arange(2 * shape.bytes(), torch::kFloat).view({2, 2, 5, 8}), patches = patches_of(x, 4);
  ASSERT_EQ(patches.sizes(), (std::vector<int64_t>{2, 4, 32}));
  EXPECT_TRUE(torch::equal(patches[1][1].view({2, 4, 4}), x[1].slice(1, 0, 4).slice(2, 4, 8)));
  EXPECT_EQ(patches[0][2].view({2, 4, 4}).slice(1, 1).abs().sum().item<float>(), 0.0F);  // below the image
  EXPECT_TRUE(torch::equal(image_of(patches, 4, shape), x));
}

TEST(Vit, EachPlaceHasItsOwnRowOfSinesAndCosines) {
  const Tensor table = place_table(3, 5, 8);
  ASSERT_EQ(table.sizes(), (std::vector<int64_t>{1, 15, 8}));
  const std::vector<double> wanted = {std::sin(2.0), std::sin(0.02), std::cos(2.0), std::cos(0.02),
                                      std::sin(1.0), std::sin(0.01), std::cos(1.0), std::cos(0.01)};
  for (int64_t i = 0; i < 8; ++i)  // row 1, column 2
    EXPECT_NEAR(table[0][7][i].item<double>(), wanted[static_cast<std::size_t>(i)], 1e-6) << i;
}

TEST(Vit, RefusesSizesAndPatchesItDoesNotHave) {
  EXPECT_NE(error_of([] { build("vit_tyni"); }).hint().find("tiny"), std::string::npos);
  NetConfig config = named("vit");
  config.patch = 33;
  EXPECT_EQ(error_of([&] { make_net(config, ImageShape{32, 32, 3}, 10, 0); }).kind(), ErrorKind::usage);
  config.patch = 0;
  EXPECT_EQ(make_net(config, ImageShape{32, 32, 3}, 10, 0)->parameters()[0].size(1), 3 * 4 * 4);
  EXPECT_EQ(make_net(config, ImageShape{96, 96, 3}, 10, 0)->parameters()[0].size(1), 3 * 16 * 16);
}

TEST(Coders, GoFromAnyImageToACodeOrMapAndBack) {
  for (const ImageShape& shape : {ImageShape{8, 8, 1}, {21, 12, 3}, {28, 28, 1}, {33, 64, 3}}) {
    const CoderSpec spec{.shape = shape, .code = 5, .width = 4, .seed = 3};
    const Tensor x = ramp(shape, 2);
    const ImageShape map = map_shape(spec);
    EXPECT_LE(std::max(map.height, map.width), 8);
    const std::vector<int64_t> code{2, 5}, maps{2, 5, map.height, map.width};
    const Tensor dense = make_dense_encoder(spec)->forward(x), z = make_map_encoder(spec)->forward(x);
    EXPECT_EQ(dense.sizes(), code);
    EXPECT_EQ(make_net_encoder(make_net(named("mlp"), shape, 0, 1), spec)->forward(x).sizes(), code);
    EXPECT_EQ(z.sizes(), maps) << shape.height;
    for (const auto& back : {make_dense_decoder(spec)->forward(dense), make_conv_decoder(spec)->forward(dense),
                             make_map_decoder(spec)->forward(z)})
      EXPECT_EQ(back.sizes(), x.sizes()) << shape.height;
  }
}

TEST(Coders, DecodersStartAtTheMeanOfThePixels) {
  const CoderSpec spec{.shape = {9, 8, 2}, .code = 3, .width = 4, .seed = 3, .mean = {0.2F, 0.7F}};
  for (const auto& decoder : {make_dense_decoder(spec), make_conv_decoder(spec), make_map_decoder(spec)}) {
    const torch::NoGradGuard no_grad;
    for (auto& item : decoder->named_parameters())
      if (item.value().dim() > 1) item.value().zero_();
    const ImageShape map = map_shape(spec);
    const bool flat = decoder->named_parameters().contains("in.weight") && decoder->parameters()[0].dim() == 4;
    const Tensor code = flat ? torch::ones({1, 3, map.height, map.width}) : torch::ones({1, 3});
    const Tensor mean = torch::sigmoid(decoder->forward(code)).mean({0, 2, 3});
    EXPECT_TRUE(torch::allclose(mean, torch::tensor({0.2F, 0.7F}))) << mean;
  }
}

TEST(Coders, AreKeyedByTheSeedAndNotOneAnothersCopies) {
  const CoderSpec spec{.shape = {8, 8, 1}, .code = 64, .width = 64, .seed = 3};
  const auto first = [](const Coder& coder) { return coder->parameters()[0].flatten(); };
  EXPECT_TRUE(torch::equal(first(make_dense_encoder(spec)), first(make_dense_encoder(spec))));
  EXPECT_FALSE(torch::equal(first(make_dense_encoder(spec)), first(make_dense_decoder(spec))));
}

TEST(Nets, LargeImagesGetTheImagenetStem) {
  EXPECT_EQ(build("resnet18", {64, 64, 3})->parameters()[0].size(2), 3);
  EXPECT_EQ(build("resnet18", {96, 96, 3})->parameters()[0].size(2), 7);
  NetConfig small = named("resnet18");
  small.stem = "small";
  EXPECT_EQ(make_net(small, ImageShape{96, 96, 3}, 10, 0)->parameters()[0].size(2), 3);
  EXPECT_EQ(build("resnet18", {96, 96, 3})->forward(ramp({96, 96, 3}, 2)).size(1), 10);
}

TEST(Nets, RefuseWithOneSentence) {
  const Error unknown = error_of([] { build("resnet"); });
  EXPECT_EQ(unknown.kind(), ErrorKind::usage);
  EXPECT_NE(unknown.hint().find("resnet18"), std::string::npos) << unknown.what();
  EXPECT_EQ(error_of([] { build("cnn", {4, 8, 3}); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([] { build("wrn_27_2"); }).kind(), ErrorKind::usage);
  EXPECT_EQ(error_of([] { build("wrn_28_x"); }).kind(), ErrorKind::usage);
  NetConfig config = named("resnet18");
  config.stem = "imagenet";
  EXPECT_EQ(error_of([&] { make_net(config, ImageShape{16, 16, 3}, 10, 0); }).kind(), ErrorKind::usage);
}

TEST(Nets, BatchNormMomentumIsTheConfigsOrTheNetsOwn) {
  const auto momentum = [](const Net& net) {
    for (const auto& module : net->modules())
      if (const auto* norm = module->as<torch::nn::BatchNorm2d>()) return norm->options.momentum().value();
    return -1.0;
  };
  EXPECT_EQ(momentum(build("wrn_10_1")), 0.001);
  EXPECT_EQ(momentum(build("cnn")), 0.1);
  NetConfig config = named("cnn");
  config.bn_momentum = 0.02;
  EXPECT_EQ(momentum(make_net(config, ImageShape{32, 32, 3}, 10, 0)), 0.02);
}

TEST(Nets, GridKeepsTheFeaturesOfEachPlaceApart) {
  NetConfig config = named("cnn");
  const Net whole = make_net(config, ImageShape{32, 32, 3}, 0, 7);
  config.grid = 2;
  const Net grid = make_net(config, ImageShape{32, 32, 3}, 0, 7);
  EXPECT_EQ(grid->feature_size(), 4 * whole->feature_size());
  const torch::NoGradGuard no_grad;
  whole->eval();
  grid->eval();
  const Tensor x = ramp({32, 32, 3}), places = grid->features(x).view({4, 128, 4});
  EXPECT_TRUE(torch::allclose(places.mean(2), whole->features(x), 1e-4, 1e-5));
  EXPECT_GT(places.std(2).max().item<float>(), 0.01F);
}

TEST(Nets, InitialWeightsHaveHesVariance) {
  const Net net = build("wrn_10_4");
  for (const auto& item : net->named_parameters()) {
    const Tensor& w = item.value();
    if (w.dim() != 4 || w.numel() < 10'000) continue;
    const double wanted = std::sqrt(2.0 / static_cast<double>(w.size(0) * w.size(2) * w.size(3)));
    EXPECT_NEAR(w.std().item<double>() / wanted, 1.0, 0.03) << item.key();
    EXPECT_NEAR(w.mean().item<double>() / wanted, 0.0, 0.03) << item.key();
  }
}

TEST(Nets, DropoutDrawsTheSameAfterARestore) {
  NetConfig config = named("mlp");
  config.dropout = 0.5;
  const ImageShape shape{8, 8, 1};
  const Net a = make_net(config, shape, 3, 4), b = make_net(config, shape, 3, 4);
  const Tensor first = a->forward(ramp(shape)), second = a->forward(ramp(shape));
  EXPECT_FALSE(torch::equal(first, second));
  b->named_buffers()["head.draws"].fill_(1);
  EXPECT_TRUE(torch::equal(b->forward(ramp(shape)), second));
  a->eval();
  EXPECT_TRUE(torch::equal(a->forward(ramp(shape)), a->forward(ramp(shape))));
}

}  // namespace
}  // namespace fewlabel
