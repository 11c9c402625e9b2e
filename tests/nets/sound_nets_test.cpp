#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fewlabel/error.h"
#include "helpers.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

NetConfig sound_net(const std::string& name) {
  NetConfig config;
  config.name = name;
  return config;
}

Layout samples(int32_t count, int32_t rate) { return {Kind::audio, Layout::Type::f32, {count}, 0, rate, count}; }

TEST(Wav2Vec2, GivesAFrameForEachTwentyMilliseconds) {
  torch::manual_seed(1);
  for (const auto& [rate, count] : {std::pair(16000, 16000), std::pair(8000, 8000), std::pair(1000, 1000)}) {
    const Net net = make_net(sound_net("wav2vec2"), samples(count, rate), 5, 1);
    net->eval();
    const Tensor x = torch::randn({2, count});
    const Tensor frames = dynamic_cast<FrameEncoder&>(*net).frames(x);
    EXPECT_EQ(frames.sizes(), (std::vector<int64_t>{2, 50, 128})) << rate;
    EXPECT_TRUE(torch::allclose(net->features(x), frames.mean(1)));
    EXPECT_EQ(net->forward(x).sizes(), (std::vector<int64_t>{2, 5}));
    // Frames are read in each other's light.
    Tensor other = x.clone();
    other.slice(1, 0, count / 4) *= 0.1;
    EXPECT_GT((frames - dynamic_cast<FrameEncoder&>(*net).frames(other)).slice(1, 40).abs().max().item<double>(), 1e-4);
  }
}

TEST(Wav2Vec2, HasThePublishedConvolutionsAndBlocks) {
  NetConfig config = sound_net("wav2vec2_base");
  const Net net = make_net(config, samples(16000, 16000), 0, 1);
  int64_t convolutions = 0, blocks = 0;
  for (const auto& item : net->named_parameters()) {
    if (item.key().starts_with("convolutions") || item.key().starts_with("first_norm"))
      convolutions += item.value().numel();
    if (item.key().starts_with("transformer.blocks")) blocks += item.value().numel();
  }
  EXPECT_EQ(convolutions, 4'200'448);
  EXPECT_EQ(blocks, 85'054'464);
}

TEST(Wav2Vec2, EveryParameterGetsAGradientAndTheSameSeedTheSameBits) {
  torch::manual_seed(2);
  const Net net = make_net(sound_net("wav2vec2_mini"), samples(4000, 8000), 3, 1);
  net->forward(torch::randn({4, 4000})).square().sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
  const Net again = make_net(sound_net("wav2vec2_mini"), samples(4000, 8000), 3, 1);
  const auto left = net->named_parameters(), right = again->named_parameters();
  for (const auto& item : left) EXPECT_TRUE(torch::equal(item.value(), right[item.key()])) << item.key();
}

TEST(SoundNets, SayWhichOfSamplesAndSpectrogramsTheyLearnFrom) {
  const Layout picture{Kind::audio, Layout::Type::f32, {64, 50, 1}, 0, 8000, 8000};
  const auto hint = [&](const std::string& net, const Layout& layout) {
    return error_of([&] { make_net(sound_net(net), layout, 3, 1); }).hint();
  };
  EXPECT_THAT(hint("wav2vec2", picture), HasSubstr("data.mels=0"));
  EXPECT_THAT(hint("tc_resnet", samples(8000, 8000)), HasSubstr("net=wav2vec2"));
  EXPECT_THAT(hint("wav2vec2", ImageShape{32, 32, 3}), HasSubstr("choose one that does"));
  EXPECT_THAT(error_of([&] { make_net(sound_net("wav2vec2_huge"), samples(8000, 8000), 3, 1); }).message(),
              HasSubstr("no wav2vec2 of size 'huge'"));
}

}  // namespace
}  // namespace fewlabel
