// Makes small data files, honest and dishonest ones, for the tests of this folder.
#pragma once
#include <gmock/gmock.h>
#include <turbojpeg.h>
#include <webp/encode.h>
#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "helpers.h"
#include "modalities/modalities.h"

namespace fewlabel::testing {

namespace fs = std::filesystem;

inline std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(static_cast<uint32_t>(crc));
}

/// `rows` holds height rows, without filter bytes. color: 0 grey, 2 RGB, 4 grey + alpha, 6 RGBA.
inline std::string png(uint32_t width, uint32_t height, int depth, int color, const std::string& rows) {
  std::string raw;
  const std::size_t row = height == 0 ? 0 : rows.size() / height;
  for (std::size_t y = 0; y * row < rows.size(); ++y) raw += '\0' + rows.substr(y * row, row);
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
           static_cast<uLong>(raw.size()));
  packed.resize(size);
  const std::string header = big_endian(width) + big_endian(height) + static_cast<char>(depth) +
                             static_cast<char>(color) + std::string(3, '\0');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", packed) + chunk("IEND", "");
}
/// A flat grey image of one value.
inline std::string grey_png(int value, uint32_t side = 4) {
  return png(side, side, 8, 0, std::string(std::size_t{side} * side, static_cast<char>(value)));
}

/// `format` is a TJPF_…, `pixels` all of them in it.
inline std::string encode_jpeg(int width, int height, int format, const std::string& pixels) {
  const tjhandle handle = tjInitCompress();
  unsigned char* out = nullptr;
  unsigned long size = 0;
  const int subsampling = format == TJPF_GRAY ? TJSAMP_GRAY : TJSAMP_444;
  tjCompress2(handle, reinterpret_cast<const unsigned char*>(pixels.data()), width, 0, height, format, &out, &size,
              subsampling, 95, 0);
  std::string result(reinterpret_cast<char*>(out), size);
  tjFree(out);
  tjDestroy(handle);
  return result;
}
/// A flat JPEG; `format` is TJPF_RGB, TJPF_GRAY or TJPF_CMYK, `pixel` one pixel in it.
inline std::string jpeg(int side, int format, const std::string& pixel) {
  std::string pixels;
  for (int i = 0; i < side * side; ++i) pixels += pixel;
  return encode_jpeg(side, side, format, pixels);
}

inline std::string webp(int side, const std::string& pixel) {
  std::string pixels;
  for (int i = 0; i < side * side; ++i) pixels += pixel;
  uint8_t* out = nullptr;
  const bool alpha = pixel.size() == 4;
  const auto* in = reinterpret_cast<const uint8_t*>(pixels.data());
  const std::size_t size = alpha ? WebPEncodeLosslessRGBA(in, side, side, 4 * side, &out)
                                 : WebPEncodeLosslessRGB(in, side, side, 3 * side, &out);
  std::string result(reinterpret_cast<char*>(out), size);
  WebPFree(out);
  return result;
}

inline std::string gzip(const std::string& content) {
  const TemporaryFolder folder;
  const gzFile file = gzopen((folder / "x").c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  std::ifstream in(folder / "x", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string idx_images(uint32_t count, uint32_t side, const std::string& pixels) {
  return std::string("\0\0\x08\x03", 4) + big_endian(count) + big_endian(side) + big_endian(side) + pixels;
}
inline std::string idx_labels(const std::string& labels) {
  return std::string("\0\0\x08\x01", 4) + big_endian(static_cast<uint32_t>(labels.size())) + labels;
}

/// One member of a tar archive; `claimed` overrides the size in the header.
inline std::string tar_member(const std::string& name, const std::string& content, int64_t claimed = -1) {
  std::string header(512, '\0');
  std::memcpy(header.data(), name.data(), name.size());
  std::snprintf(header.data() + 100, 8, "0000644");
  std::snprintf(header.data() + 108, 8, "0000000");
  std::snprintf(header.data() + 116, 8, "0000000");
  std::snprintf(header.data() + 124, 12, "%011llo",
                static_cast<unsigned long long>(claimed < 0 ? static_cast<int64_t>(content.size()) : claimed));
  std::snprintf(header.data() + 136, 12, "00000000000");
  header[156] = '0';
  std::memcpy(header.data() + 257, "ustar\00000", 8);
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 8, "%06o", sum);
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}
inline const std::string kTarEnd(1024, '\0');

inline std::string npy(const std::string& type, const std::string& shape, const std::string& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header += std::string((64 - (header.size() + 11) % 64) % 64, ' ') + "\n";
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() & 0xff) +
         static_cast<char>(header.size() >> 8) + header + values;
}

/// Expects Error{kind} whose text contains `part`.
template <typename Body>
void expect_error(ErrorKind kind, const std::string& part, Body&& body) {
  try {
    body();
    ADD_FAILURE() << "no error; wanted one with: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(std::string(error.what()), ::testing::HasSubstr(part));
  }
}

/// The modality of images, as it is where no option says otherwise.
inline std::shared_ptr<const Modality> images() { return plain_modality(Kind::image, {}); }
inline std::shared_ptr<const Modality> modality_of(const Source& source) { return plain_modality(source.kind(), {}); }

/// One example at its own size.
inline Image read_image(const Source& source, int64_t index) {
  const auto modality = images();
  const Raw raw = source.raw(index);
  const std::string where = source.name(index);
  const ImageShape shape = image_shape(modality->own_layout(where, raw));
  Image image{shape.height, shape.width, shape.channels, std::vector<uint8_t>(static_cast<std::size_t>(shape.bytes()))};
  modality->decode(where, raw, shape, image.pixels.data());
  return image;
}

inline std::vector<int32_t> labels_of(const Source& source) {
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < source.size(); ++i) labels.push_back(source.label(i));
  return labels;
}

}  // namespace fewlabel::testing
