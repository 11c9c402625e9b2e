#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fewlabel/error.h"
#include "helpers.h"
#include "nets/build.h"
#include "nets/recordings.h"

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

/// Encoders that were trained on whole recordings, made small.
std::vector<NetConfig> encoders_of_recordings() {
  NetConfig base = sound_net("speech_encoder"), large = base, whisper = sound_net("whisper");
  base.shape = "1x8x2x16 6x10x5 8x4x4 places=8x4 group embedding_norm unit_variance";
  base.norm = "post";
  large.shape = "2x8x2x16 6x10x5 8x4x4 places=5x2 bias";
  whisper.shape = "1x8x2x16x20x30";
  base.eps = large.eps = whisper.eps = 1e-5;
  for (NetConfig* config : {&base, &large, &whisper}) config->inner_dropout = 0;
  return {base, large, whisper};
}
/// Three recordings, of 1500, 2000 and 1500 samples, in the middle of silence.
Tensor recordings_in_silence() {
  torch::manual_seed(3);
  Tensor x = torch::zeros({3, 2400});
  x[0].slice(0, 450, 1950) = torch::randn({1500});
  x[1].slice(0, 200, 2200) = torch::randn({2000});
  x[2].slice(0, 450, 1950) = torch::randn({1500});
  return x;
}

TEST(EncodersOfRecordings, HearEachByItselfWhateverIsBeside) {
  for (const NetConfig& config : encoders_of_recordings()) {
    const Net net = make_net(config, samples(2400, 16000), 0, 1);
    const torch::NoGradGuard no_gradient;
    const Tensor x = recordings_in_silence(), together = net->features(x);
    EXPECT_EQ(together.sizes(), (std::vector<int64_t>{3, 8}));
    EXPECT_FALSE(torch::allclose(together[0], together[2], 1e-2, 1e-2)) << config.shape;
    for (int64_t i = 0; i < 3; ++i) {
      const Tensor alone = x[i].masked_select(x[i].ne(0)).unsqueeze(0);
      EXPECT_TRUE(torch::allclose(net->features(alone)[0], together[i], 1e-4, 1e-5)) << config.shape;
    }
    EXPECT_TRUE(net->features(torch::zeros({1, 2400})).isfinite().all().item<bool>()) << config.shape;
    EXPECT_TRUE(net->features(torch::ones({1, 1})).isfinite().all().item<bool>()) << config.shape;
    EXPECT_TRUE(torch::equal(net->noise(x).ne(0), x.ne(0))) << config.shape;
  }
}

TEST(EncodersOfRecordings, GradientsAreThoseOfTheirDifferences) {
  for (const NetConfig& config : encoders_of_recordings()) {
    const Net net = make_net(config, samples(2400, 16000), 3, 1);
    const Tensor x = recordings_in_silence();
    const Tensor weight = torch::randn({3, 3});
    const auto loss = [&] { return (net->forward(x).to(torch::kDouble) * weight).sum(); };
    loss().backward();
    for (const auto& item : net->named_parameters()) {
      const Tensor gradient = item.value().grad();
      ASSERT_TRUE(gradient.defined()) << item.key();
      const double length = gradient.norm().item<double>(), step = 1e-2;
      if (length < 1e-3) continue;  // nothing hears it: what all keys have in common
      const torch::NoGradGuard no_gradient;
      const Tensor there = gradient * (step / length);
      item.value().add_(there);
      const double above = loss().item<double>();
      item.value().sub_(2 * there);
      const double below = loss().item<double>();
      item.value().add_(there);
      EXPECT_NEAR((above - below) / (2 * step) / length, 1, 0.05) << config.shape << " " << item.key();
    }
  }
}

TEST(EncodersOfRecordings, HearTheSamePackedAndFilledUp) {
  TextTransformer transformer(TextTransformerPlan{.width = 8, .depth = 2, .heads = 2, .inner = 16, .dropout = 0});
  initialise(*transformer, 1);
  const FramesOf frames_of = [](const Tensor& samples) { return samples.unfold(1, 8, 100); };
  const Tensor x = recordings_in_silence();
  const Tensor packed = features_of_recordings(x, frames_of, transformer, true);
  EXPECT_TRUE(torch::allclose(packed, features_of_recordings(x, frames_of, transformer, false), 1e-4, 1e-5));
}

TEST(EncodersOfRecordings, RefuseShapesThatAreNone) {
  for (const char* shape :
       {"", "1x8x3x16 6x10x5 places=8x4", "1x8x2x16 places=8x4", "1x8x2x16 6x10x5",
        "1x8x2x16 6x10x5 "
        "places=8x3",
        "1x8x2x16 6x10 places=8x4", "1x8x2x16 6x10x5 places=8x4 other", "1x8x2x99999999 6x10x5 places=8x4"}) {
    NetConfig config = sound_net("speech_encoder");
    config.shape = shape;
    EXPECT_THAT(error_of([&] { make_net(config, samples(2400, 16000), 3, 1); }).message(), HasSubstr("net.shape is"));
  }
  NetConfig whisper = sound_net("whisper");
  whisper.shape = "1x8x2x16x20";
  EXPECT_THAT(error_of([&] { make_net(whisper, samples(2400, 16000), 3, 1); }).message(), HasSubstr("net.shape is"));
  whisper.shape = "1x8x2x16x20x30";
  EXPECT_THAT(error_of([&] { make_net(whisper, samples(16000, 16000), 3, 1); }).message(),
              HasSubstr("has places for 0.6 seconds"));
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
