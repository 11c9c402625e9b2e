// Nets that read texts: padding counts for nothing, what is embedded counts by how much of it is there, and the parts
// of the transformer equal what they are short for.
#include <torch/torch.h>

#include <cmath>

#include "fewlabel/error.h"
#include "helpers.h"
#include "nets/bert.h"
#include "nets/dropout.h"
#include "nets/tokens.h"

namespace fewlabel {
namespace {

using fewlabel::testing::error_of;

constexpr int32_t kLength = 10, kWords = 50;

Layout texts(int32_t length = kLength, int32_t vocabulary = kWords) {
  return {Kind::text, Layout::Type::i32, {length}, vocabulary};
}
NetConfig text_config(const std::string& name, double inner_dropout = 0.0) {
  NetConfig config;
  config.name = name;
  config.inner_dropout = inner_dropout;
  return config;
}
Net text_net(const std::string& name, int64_t classes = 3, uint64_t seed = 7) {
  return make_net(text_config(name), texts(), classes, seed);
}
/// Four texts of 10, 4, 1 and 7 tokens.
Tensor some_texts(int64_t length = kLength) {
  Tensor x = torch::zeros({4, length}, torch::kLong);
  const int64_t lengths[] = {10, 4, 1, 7};
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < lengths[i]; ++j) x[i][j] = kSpecialTokens + (7 * i + 3 * j * j) % (kWords - kSpecialTokens);
  return x;
}
bool near(const Tensor& a, const Tensor& b, double tolerance = 1e-5) {
  return (a - b).abs().max().item<double>() < tolerance;
}

class EveryTextNet : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Nets, EveryTextNet, ::testing::Values("bag", "text_cnn", "bert", "bert_mini", "mpnet"),
                         [](const auto& info) { return info.param; });

TEST_P(EveryTextNet, GivesFeaturesAndLogits) {
  const Net net = text_net(GetParam());
  const Tensor x = some_texts(), features = net->features(x);
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{4, net->feature_size()}));
  EXPECT_EQ(features.scalar_type(), torch::kFloat);
  EXPECT_EQ(net->forward(x).sizes(), (std::vector<int64_t>{4, 3}));
  EXPECT_GT(features.std(0).mean().item<double>(), 0.01);  // texts differ
}

TEST_P(EveryTextNet, PaddingChangesNothing) {
  const Net net = text_net(GetParam());
  const Tensor x = some_texts(), features = net->features(x);
  // More of it, none of it, and other texts beside.
  EXPECT_TRUE(near(net->features(torch::constant_pad_nd(x, {0, 5})), features));
  EXPECT_TRUE(near(net->features(x.slice(0, 1, 2).slice(1, 0, 4)), features.slice(0, 1, 2)));
  EXPECT_TRUE(near(net->features(x.flip(0)).flip(0), features));
}

TEST_P(EveryTextNet, WhatIsEmbeddedHasTheFeaturesOfItsIds) {
  const Net net = text_net(GetParam());
  const Tensor x = some_texts(), e = net->embed(x);
  EXPECT_EQ(e.scalar_type(), torch::kFloat);
  EXPECT_EQ(e.dim(), 3);
  EXPECT_TRUE(torch::equal(e.select(2, e.size(2) - 1), x.ne(0).to(torch::kFloat)));
  EXPECT_TRUE(near(net->features(e), net->features(x)));
  // A token of each has about deviation 1, as normalised images have.
  EXPECT_NEAR(e[0].slice(1, 0, -1).std().item<double>(), 1.0, 0.2);
}

TEST_P(EveryTextNet, ATokenThatIsNotThereHasNoInfluence) {
  const Net net = text_net(GetParam());
  const Tensor e = net->embed(some_texts()).detach();
  Tensor moved = e.clone();
  moved.slice(2, 0, -1) += 5.0 * e.slice(2, -1).eq(0);
  EXPECT_TRUE(near(net->features(moved), net->features(e)));
  // And one of which little is there has little.
  Tensor little = e.clone();
  little[1][4] = e[0][4] * 1e-4;
  EXPECT_TRUE(near(net->features(little)[1], net->features(e)[1], 0.01));
  little[1][4] = e[0][4];
  EXPECT_FALSE(near(net->features(little)[1], net->features(e)[1], 0.01));
}

TEST_P(EveryTextNet, NoiseLeavesPaddingAndPresenceAlone) {
  const Net net = text_net(GetParam());
  const Tensor e = net->embed(some_texts()), noise = net->noise(e);
  EXPECT_EQ(noise.sizes(), e.sizes());
  EXPECT_EQ(noise.select(2, e.size(2) - 1).abs().sum().item<float>(), 0.0F);
  EXPECT_EQ((noise * e.slice(2, -1).eq(0)).abs().sum().item<float>(), 0.0F);
  EXPECT_GT(noise[0].slice(1, 0, -1).std().item<float>(), 0.5F);
}

TEST_P(EveryTextNet, GradientsReachWhatIsEmbeddedButNotHowMuchOfItIsThere) {
  const Net net = text_net(GetParam());
  Tensor e = net->embed(some_texts()).detach().requires_grad_();
  net->forward(e).square().sum().backward();
  const Tensor gradient = e.grad();
  EXPECT_EQ(gradient.select(2, e.size(2) - 1).abs().sum().item<float>(), 0.0F);
  EXPECT_EQ((gradient * e.slice(2, -1).eq(0)).abs().sum().item<float>(), 0.0F);
  EXPECT_GT(gradient[2][0].abs().sum().item<float>(), 0.0F);
}

TEST_P(EveryTextNet, GradientsAreThoseOfTheirDifferences) {
  torch::manual_seed(1);  // whatever tests ran before: some draws change the largest of a filter
  const Net net = text_net(GetParam());
  const Tensor e = net->embed(some_texts()).detach(), direction = net->noise(e);
  const auto loss = [&](const Tensor& x) { return net->forward(x).square().sum(); };
  Tensor at = e.clone().requires_grad_();
  loss(at).backward();
  constexpr double kStep = 1e-4;  // smaller than what changes the largest of a filter
  const double difference = (loss(e + kStep * direction) - loss(e - kStep * direction)).item<double>() / (2 * kStep);
  EXPECT_NEAR((at.grad() * direction).sum().item<double>(), difference, 0.02 * std::abs(difference) + 0.02);
}

TEST_P(EveryTextNet, EveryParameterGetsAGradientOfIds) {
  const Net net = text_net(GetParam());
  net->forward(some_texts()).square().sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().sum().item<float>(), 0.0F) << item.key();
  }
}

TEST_P(EveryTextNet, SameSeedGivesSameBitsAndAnotherOthers) {
  torch::manual_seed(1);
  const auto a = text_net(GetParam(), 3, 7)->parameters();
  torch::manual_seed(2);
  const auto b = text_net(GetParam(), 3, 7)->parameters(), c = text_net(GetParam(), 3, 8)->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << i;
  EXPECT_FALSE(torch::equal(a[0], c[0]));
}

TEST_P(EveryTextNet, DropsInTrainingAloneByTheGlobalGenerator) {
  const Net net = make_net(text_config(GetParam(), 0.3), texts(), 0, 7);
  const Tensor x = some_texts();
  torch::manual_seed(5);
  const Tensor first = net->features(x), second = net->features(x);
  EXPECT_FALSE(torch::equal(first, second));
  torch::manual_seed(5);
  torch::set_num_threads(2);
  EXPECT_TRUE(near(net->features(x), first));
  torch::set_num_threads(1);
  net->eval();
  EXPECT_TRUE(torch::equal(net->features(x), net->features(x)));
}

TEST_P(EveryTextNet, ATextWithoutTokensHasFeaturesToo) {
  const Net net = text_net(GetParam());
  Tensor x = some_texts();
  const Tensor before = net->features(x);
  x[2].zero_();
  const Tensor features = net->features(x);
  EXPECT_TRUE(features.isfinite().all().item<bool>());
  EXPECT_TRUE(near(features[3], before[3]));
  EXPECT_TRUE(net->features(torch::zeros({2, kLength}, torch::kLong)).isfinite().all().item<bool>());
}

TEST_P(EveryTextNet, FrozenCopyIsEqual) {
  const Net net = text_net(GetParam()), copy = frozen_copy(*net);
  EXPECT_TRUE(torch::equal(net->forward(some_texts()), copy->forward(some_texts())));
  for (const auto& parameter : copy->parameters()) EXPECT_FALSE(parameter.requires_grad());
}

TEST(TextNets, RefuseImagesAndEmptyVocabularies) {
  const Error error = error_of([] { make_net(text_config("bert"), ImageShape{32, 32, 3}, 10, 0); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("cnn"), std::string::npos) << error.what();
  EXPECT_EQ(error_of([] { make_net(text_config("bert"), texts(8, kSpecialTokens), 2, 0); }).kind(), ErrorKind::usage);
  EXPECT_NE(error_of([] { make_net(text_config("bert_tiny"), texts(), 2, 0); }).hint().find("mini"), std::string::npos);
}

TEST(Bert, HasThePublishedNumberOfParametersLessTokenTypesAndPooler) {
  const auto count = [](const std::string& size) {
    NetConfig config = text_config("bert_" + size);
    config.norm = "post";
    return parameter_count(*make_net(config, texts(512, 30522), 0, 0));
  };
  const auto less = [](int64_t width) { return 2 * width + width * width + width; };
  EXPECT_EQ(count("micro"), 4'385'920 - less(128));
  EXPECT_EQ(count("mini"), 11'170'560 - less(256));
  EXPECT_EQ(count("small"), 28'763'648 - less(512));
  EXPECT_EQ(count("medium"), 41'373'184 - less(512));
}

TEST(Bert, OrderCounts) {
  const Net bert = text_net("bert");
  const Tensor x = some_texts().slice(0, 0, 1);
  EXPECT_FALSE(near(bert->features(x), bert->features(x.flip(1)), 1e-3));
}

TEST(Bert, FirstTokenIsItsFeaturesWherePoolSaysSo) {
  NetConfig config = text_config("bert");
  const Net mean = make_net(config, texts(), 0, 7);
  config.pool = "first";
  const Net first = make_net(config, texts(), 0, 7);
  const Tensor x = some_texts(), tokens = std::dynamic_pointer_cast<Bert>(first)->tokens(x);
  ASSERT_EQ(tokens.sizes(), (std::vector<int64_t>{22, 128}));
  EXPECT_TRUE(near(first->features(x)[1], tokens[10]));
  EXPECT_TRUE(near(mean->features(x)[1], tokens.slice(0, 10, 14).mean(0)));
}

TEST(Bert, PackedRowsGiveWhatPaddedOnesGive) {
  for (const std::string norm : {"pre", "post"}) {
    NetConfig config = text_config("bert");
    config.norm = norm;
    const auto bert = std::dynamic_pointer_cast<Bert>(make_net(config, texts(), 0, 7));
    for (const Tensor& x : {some_texts(), bert->embed(some_texts()).detach() * 0.5}) {
      const auto loss_of = [&](bool packed) {
        const TokenRows rows = token_rows(x, packed);
        EXPECT_EQ(rows.count(), packed ? 22 : 40);
        bert->zero_grad();
        const Tensor features = mean_of_texts(bert->encode(bert->placed(rows), rows), rows);
        (features * torch::sin(torch::arange(features.numel()).view_as(features))).sum().backward();
        std::vector<Tensor> result = {features};
        for (const auto& parameter : bert->parameters())
          result.push_back(parameter.grad().defined() ? parameter.grad().clone() : torch::zeros({1}));
        return result;
      };
      const auto packed = loss_of(true), padded = loss_of(false);
      for (std::size_t i = 0; i < packed.size(); ++i) EXPECT_TRUE(near(packed[i], padded[i], 2e-4)) << norm << i;
    }
  }
}

TEST(Bert, DistancesCountTheSamePackedAndPaddedAlsoAcrossATokenThatIsNotThere) {
  NetConfig config = text_config("mpnet");
  config.shape = "2x32x2x64x16";  // tokens of 16 numbers before the blocks
  const auto mpnet = std::dynamic_pointer_cast<Bert>(make_net(config, texts(), 0, 7));
  Tensor x = some_texts();
  x[0][3] = kPadding;
  const auto run = [&](bool packed) {
    const TokenRows rows = token_rows(x, packed);
    EXPECT_EQ(rows.count(), packed ? 21 : 40);
    mpnet->zero_grad();
    const Tensor features = mean_of_texts(mpnet->encode(mpnet->placed(rows), rows), rows);
    (features * torch::sin(torch::arange(features.numel()).view_as(features))).sum().backward();
    return std::pair{features.detach(), mpnet->named_parameters()["transformer.relative.weight"].grad().clone()};
  };
  const auto packed = run(true), padded = run(false);
  EXPECT_TRUE(near(packed.first, padded.first));
  EXPECT_TRUE(near(packed.second, padded.second, 1e-4));
  EXPECT_GT(packed.second.abs().max().item<double>(), 1e-3);
  mpnet->named_parameters()["transformer.relative.weight"].data().mul_(2);
  EXPECT_FALSE(near(run(true).first, packed.first, 1e-3));
}

TEST(Tokens, AttendIsSoftmaxOfScaledProductsWithinEachText) {
  const TokenRows rows = token_rows(some_texts(), /*packed=*/true);
  const int64_t width = 8, heads = 2;
  const Tensor qkv = torch::sin(torch::arange(rows.count() * 3 * width, torch::kFloat)).view({rows.count(), 3 * width});
  const Tensor out = attend(qkv, rows, heads);
  for (std::size_t text = 0; text < 4; ++text)
    for (int64_t i = rows.starts[text]; i < rows.starts[text + 1]; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        const auto part = [&](int64_t row, int64_t which) {
          return qkv[row].slice(0, which * 8 + h * 4, which * 8 + h * 4 + 4);
        };
        Tensor sum = torch::zeros({4});
        double all = 0;
        for (int64_t j = rows.starts[text]; j < rows.starts[text + 1]; ++j) {
          const double weight = std::exp(part(i, 0).dot(part(j, 1)).item<double>() / 2.0);
          sum += weight * part(j, 2);
          all += weight;
        }
        EXPECT_TRUE(near(out[i].slice(0, h * 4, h * 4 + 4), sum / all)) << text << i;
      }
}

TEST(Tokens, PoolsAreOfEachText) {
  const Tensor x = some_texts();
  for (const bool packed : {true, false}) {
    const TokenRows rows = token_rows(x, packed);
    const Tensor values = rows.place.to(torch::kFloat).unsqueeze(1) + 1.0;
    EXPECT_TRUE(near(mean_of_texts(values, rows), torch::tensor({{5.5F}, {2.5F}, {1.0F}, {4.0F}})));
    EXPECT_TRUE(near(first_of_texts(values, rows), torch::ones({4, 1})));
    EXPECT_TRUE(near(max_of_texts(-values, rows), -torch::ones({4, 1})));  // padding is no 0 among them
    EXPECT_TRUE(near(root_mean_of_texts(values, rows), torch::tensor({{5.5F}, {2.5F}, {1.0F}, {4.0F}}) *
                                                           torch::tensor({{10.0F}, {4.0F}, {1.0F}, {7.0F}}).sqrt()));
  }
}

TEST(InnerDropout, DropsItsShareAndKeepsTheMean) {
  InnerDropout dropout(0.25);
  torch::manual_seed(3);
  const Tensor y = dropout->forward(torch::ones({200'003}));
  EXPECT_NEAR(y.eq(0).to(torch::kFloat).mean().item<double>(), 0.25, 0.005);
  EXPECT_NEAR(y.mean().item<double>(), 1.0, 0.005);
  // Neighbours are dropped apart from each other.
  const Tensor zero = y.eq(0).to(torch::kFloat);
  EXPECT_NEAR((zero.slice(0, 1) * zero.slice(0, 0, -1)).mean().item<double>(), 0.0625, 0.003);
  dropout->eval();
  EXPECT_TRUE(torch::equal(dropout->forward(y), y));
}

}  // namespace
}  // namespace fewlabel
