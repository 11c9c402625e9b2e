// The U-Net: shapes, conditions, weights that all learn.
#include "nets/unet.h"

#include <torch/torch.h>

#include "fewlabel/error.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using fewlabel::testing::error_of;

Tensor noise(const ImageShape& shape, int64_t count = 2) {
  return torch::sin(torch::arange(count * shape.bytes(), torch::kFloat) * 0.7)
      .view({count, shape.channels, shape.height, shape.width});
}

TEST(UNet, GivesAMapOfTheImagesShape) {
  for (const ImageShape& shape :
       {ImageShape{8, 8, 1}, ImageShape{28, 28, 1}, ImageShape{32, 32, 3}, ImageShape{12, 20, 3}}) {
    const UNet net = make_unet({.shape = shape, .classes = 3, .width = 16, .seed = 1});
    const Tensor out = net->forward(noise(shape), torch::tensor({0.0F, 1.0F}), torch::tensor({0L, 3L}));
    EXPECT_EQ(out.sizes(), noise(shape).sizes());
    EXPECT_TRUE(out.isfinite().all().item<bool>());
    EXPECT_EQ(out.scalar_type(), torch::kFloat);
  }
}

TEST(UNet, SeesTimeAndCondition) {
  const ImageShape shape{8, 8, 1};
  const UNet net = make_unet({.shape = shape, .classes = 3, .width = 16, .seed = 1});
  const auto at = [&](float t, int64_t condition) {
    return net->forward(noise(shape, 1), torch::tensor({t}), torch::tensor({condition}));
  };
  EXPECT_TRUE(torch::equal(at(0.3F, 1), at(0.3F, 1)));
  EXPECT_FALSE(torch::equal(at(0.3F, 1), at(0.4F, 1)));
  EXPECT_FALSE(torch::equal(at(0.3F, 1), at(0.3F, 2)));
  EXPECT_FALSE(torch::equal(at(0.3F, 1), at(0.3F, 3)));
}

TEST(UNet, EveryWeightHasAGradientFromTheFirstStepOn) {
  const ImageShape shape{8, 8, 3};
  const UNet net = make_unet({.shape = shape, .classes = 3, .width = 16, .seed = 1});
  const Tensor out = net->forward(noise(shape, 4), torch::tensor({0.1F, 0.5F, 0.7F, 0.9F}), torch::arange(4));
  (out - noise(shape, 4)).square().mean().backward();
  for (const auto& item : net->named_parameters())
    EXPECT_GT(item.value().grad().abs().sum().item<double>(), 0.0) << item.key();
}

TEST(UNet, SameSeedGivesSameBitsWhateverTheGlobalGenerator) {
  const UNetSpec spec{.shape = {8, 8, 1}, .classes = 2, .width = 8, .seed = 5};
  torch::manual_seed(1);
  const UNet a = make_unet(spec);
  torch::manual_seed(2);
  const UNet b = make_unet(spec);
  const auto pa = a->parameters(), pb = b->parameters();
  for (std::size_t i = 0; i < pa.size(); ++i) EXPECT_TRUE(torch::equal(pa[i], pb[i])) << i;
}

TEST(UNet, RefusesWhatItCannotHave) {
  const Error side = error_of([] { make_unet({.shape = {30, 30, 1}, .classes = 2}); });
  EXPECT_EQ(side.kind(), ErrorKind::usage);
  EXPECT_NE(side.hint().find("data.size=28"), std::string::npos) << side.hint();
  EXPECT_EQ(error_of([] { make_unet({.shape = {8, 8, 1}, .classes = 2, .width = 12}); }).kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel
