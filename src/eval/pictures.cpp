#include "eval/pictures.h"

#include <torch/torch.h>

#include <algorithm>

#include "fewlabel/error.h"

namespace fewlabel {

Image image_of(const ExampleStore& store, int64_t index) {
  const ImageShape shape = image_shape(store.layout());
  Image image{shape.height, shape.width, shape.channels, std::vector<uint8_t>(static_cast<std::size_t>(shape.bytes()))};
  store.fetch(index, image.pixels.data());
  return image;
}

std::vector<Image> to_images(const Tensor& pixels) {
  if (pixels.dim() != 4 || (pixels.size(1) != 1 && pixels.size(1) != 3))
    throw Error(ErrorKind::failure, "pictures", "wanted N × C × H × W with 1 or 3 channels");
  const Tensor bytes = pixels.detach()
                           .to(torch::kCPU, torch::kFloat)
                           .clamp(0, 1)
                           .mul(255)
                           .round()
                           .to(torch::kByte)
                           .permute({0, 2, 3, 1})
                           .contiguous();
  const ImageShape shape{static_cast<int32_t>(bytes.size(1)), static_cast<int32_t>(bytes.size(2)),
                         static_cast<int32_t>(bytes.size(3))};
  std::vector<Image> images;
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    const uint8_t* from = bytes.data_ptr<uint8_t>() + i * shape.bytes();
    images.push_back({shape.height, shape.width, shape.channels, std::vector<uint8_t>(from, from + shape.bytes())});
  }
  return images;
}

Image tile(const std::vector<Image>& images, int64_t columns) {
  const Image& first = images.at(0);
  const auto count = static_cast<int64_t>(images.size());
  columns = std::clamp<int64_t>(columns, 1, count);
  const int64_t rows = (count + columns - 1) / columns, channels = first.channels;
  Image sheet{static_cast<int32_t>(rows * (first.height + 1) - 1),
              static_cast<int32_t>(columns * (first.width + 1) - 1),
              first.channels,
              {}};
  sheet.pixels.assign(static_cast<std::size_t>(int64_t{sheet.height} * sheet.width * channels), 255);
  for (int64_t i = 0; i < count; ++i) {
    const Image& image = images[static_cast<std::size_t>(i)];
    const int64_t top = i / columns * (first.height + 1), left = i % columns * (first.width + 1);
    for (int64_t row = 0; row < first.height; ++row)
      std::copy_n(image.pixels.begin() + row * first.width * channels, first.width * channels,
                  sheet.pixels.begin() + ((top + row) * sheet.width + left) * channels);
  }
  return sheet;
}

}  // namespace fewlabel
