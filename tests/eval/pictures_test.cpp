#include "eval/pictures.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "helpers.h"

namespace fewlabel {
namespace {

TEST(Pictures, PixelsAreRoundedAndCutOff) {
  const Tensor pixels = torch::tensor({-1.0F, 0.5F, 0.999F, 2.0F}).view({1, 1, 2, 2});
  EXPECT_EQ(to_images(pixels).at(0).pixels, (std::vector<uint8_t>{0, 128, 255, 255}));
}

TEST(Pictures, ChannelsComeLast) {
  const Tensor pixels = torch::tensor({0.0F, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F}).view({1, 3, 1, 2});
  const auto images = to_images(pixels);
  EXPECT_EQ(images.at(0).pixels, (std::vector<uint8_t>{0, 102, 204, 51, 153, 255}));
  EXPECT_EQ(testing::error_of([] { to_images(torch::zeros({1, 2, 4, 4})); }).kind(), ErrorKind::failure);
}

TEST(Pictures, TilesStandInRowsAPixelApart) {
  std::vector<Image> images;
  for (const int value : {10, 20, 30}) images.push_back({1, 2, 1, {static_cast<uint8_t>(value), 0}});
  const Image sheet = tile(images, 2);
  EXPECT_EQ(sheet.height, 3);
  EXPECT_EQ(sheet.width, 5);
  EXPECT_EQ(sheet.pixels, (std::vector<uint8_t>{10, 0, 255, 20, 0,        //
                                                255, 255, 255, 255, 255,  //
                                                30, 0, 255, 255, 255}));
}

}  // namespace
}  // namespace fewlabel
