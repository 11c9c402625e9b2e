#include "modalities/image/decode/encode.h"

#include <png.h>

#include "fewlabel/error.h"

namespace fewlabel {

std::string encode_png(const Image& image) {
  const ImageShape shape{image.height, image.width, image.channels};
  if (image.height < 1 || image.width < 1 || (image.channels != 1 && image.channels != 3) ||
      static_cast<int64_t>(image.pixels.size()) != shape.bytes())
    throw Error(ErrorKind::failure, "encode_png", "an image needs 1 or 3 channels and height × width × channels bytes");
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::string png(PNG_IMAGE_PNG_SIZE_MAX(header), '\0');
  png_alloc_size_t size = png.size();
  const int done = png_image_write_to_memory(&header, png.data(), &size, 0, image.pixels.data(), 0, nullptr);
  png_image_free(&header);
  if (done == 0) throw Error(ErrorKind::failure, "encode_png", header.message);
  png.resize(size);
  return png;
}

}  // namespace fewlabel
