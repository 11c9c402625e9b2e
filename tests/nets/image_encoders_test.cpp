// Nets of images that encoders bring weights for: their published sizes, and evaluation with norms folded in.
#include <torch/torch.h>

#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "helpers.h"
#include "kernels/convolution.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

using fewlabel::testing::error_of;

constexpr const char* kResNet50 = "64-256x3-512x4-1024x6-2048x3-bottleneck";

NetConfig config_of(const std::string& name, const std::string& shape, int64_t grid = 1) {
  NetConfig config;
  config.name = name;
  config.shape = shape;
  config.stem = "imagenet";
  config.grid = grid;
  return config;
}

struct EncoderNet {
  const char *name, *shape;
  int64_t parameters;  // with 1000 classes
};
class ImageEncoder : public ::testing::TestWithParam<EncoderNet> {
 protected:
  /// With statistics and scalars that are not those a net begins with.
  static Net trained(const ImageShape& shape, int64_t grid = 1) {
    const Net net = make_net(config_of(GetParam().name, GetParam().shape, grid), shape, 10, 3);
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    for (auto& item : net->named_parameters())
      if (item.value().dim() == 1) item.value().add_(0.2 * torch::randn_like(item.value()));
    for (int i = 0; i < 2; ++i) net->features(torch::randn({4, shape.channels, shape.height, shape.width}));
    net->eval();
    return net;
  }
  static Tensor photos(int64_t count, const ImageShape& shape) {
    torch::manual_seed(4);
    return torch::randn({count, shape.channels, shape.height, shape.width})
        .contiguous(torch::MemoryFormat::ChannelsLast);
  }
};
INSTANTIATE_TEST_SUITE_P(Nets, ImageEncoder,
                         ::testing::Values(EncoderNet{"resnet", "64-64x2-128x2-256x2-512x2-basic", 11'689'512},
                                           EncoderNet{"resnet", kResNet50, 25'557'032},
                                           EncoderNet{"efficientnet_b0", "", 5'288'548},
                                           EncoderNet{"mobilenetv3_large_100", "", 5'483'032},
                                           EncoderNet{"mobilenetv3_small_100", "", 2'542'856},
                                           EncoderNet{"convnext", "40-40x2-80x2-160x6-320x2-scaled", 3'695'520},
                                           EncoderNet{"convnext", "40-40x2-80x2-160x6-320x2-grn", 3'708'400}));

TEST_P(ImageEncoder, HasThePublishedNumberOfParameters) {
  const Net net = make_net(config_of(GetParam().name, GetParam().shape), ImageShape{64, 64, 3}, 1000, 3);
  EXPECT_EQ(parameter_count(*net), GetParam().parameters);
}

TEST_P(ImageEncoder, EvaluationEqualsLibtorchsAndThatWithGradients) {
  const torch::NoGradGuard no_grad;
  const ImageShape shape{49, 70, 3};
  const Net net = trained(shape);
  const Tensor x = photos(3, shape), y = net->features(x);
  const auto distance = [](const Tensor& a, const Tensor& b) {
    return ((a - b).abs().max() / b.abs().max()).item<double>();
  };
  ASSERT_EQ(y.sizes(), (std::vector<int64_t>{3, net->feature_size()}));
  EXPECT_LT(distance(net->features(x.slice(0, 2))[0], y[2]), 1e-5);
  kernels::enable(false);
  const Tensor plain = net->features(x);
  kernels::enable(true);
  EXPECT_LT(distance(y, plain), 1e-4);
  const torch::AutoGradMode gradients(true);
  EXPECT_LT(distance(net->features(x).detach(), y), 1e-4);
}

TEST_P(ImageEncoder, EveryParameterTakesAGradient) {
  const ImageShape shape{64, 64, 3};
  const Net net = trained(shape, 2);
  net->train();
  net->forward(photos(4, shape)).square().sum().backward();
  for (const auto& item : net->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
  }
}

TEST(ImageEncoders, ShapesThatAreNone) {
  for (const char* shape : {"", "64", "64-bottleneck", "64-256-bottleneck", "64-256x0-bottleneck", "64-256x3-512x4",
                            "64-256x3-wide", "99999-256x3-bottleneck", "64-256x3x4-bottleneck"}) {
    const Error error = error_of([&] { make_net(config_of("resnet", shape), ImageShape{64, 64, 3}, 10, 1); });
    EXPECT_EQ(error.kind(), ErrorKind::usage) << shape;
    EXPECT_NE(std::string(error.what()).find("net.shape"), std::string::npos) << shape;
  }
}

TEST(ImageEncoders, PicturesThatAreTooSmall) {
  for (const auto& [name, shape] : {std::pair{"resnet", kResNet50}, {"convnext", "40-40x2-80x2-160x6-320x2-scaled"}}) {
    const Error error = error_of([&, name = name, shape = shape] {
      make_net(config_of(name, shape), ImageShape{31, 64, 3}, 10, 1);
    });
    EXPECT_NE(std::string(error.what()).find("too small"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace fewlabel
