#include "modalities/image/decode/heif.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "data/byte_file.h"

#ifdef FEWLABEL_HEIF
#include <libheif/heif.h>

#include <memory>
#endif

namespace fewlabel::detail {

ImageFormat sniff_heif(std::span<const uint8_t> bytes) {
  const auto word = [&](std::size_t at) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + at, 4);
  };
  if (bytes.size() < 16 || word(4) != "ftyp") return ImageFormat::unknown;
  const std::size_t claimed = std::size_t{bytes[2]} << 8 | bytes[3];
  const std::size_t end = std::min(bytes.size(), claimed);
  bool heif = false;
  for (std::size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {  // the version stands behind the first brand
    const std::string_view brand = word(at);
    if (brand == "avif" || brand == "avis") return ImageFormat::avif;
    heif = heif || brand == "mif1" || brand == "msf1" || brand.starts_with("hei") || brand.starts_with("hev");
  }
  return heif ? ImageFormat::heic : ImageFormat::unknown;
}

#ifdef FEWLABEL_HEIF
namespace {

struct FreeHeif {
  void operator()(heif_context* context) const { heif_context_free(context); }
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
  void operator()(heif_image* image) const { heif_image_release(image); }
  void operator()(heif_decoding_options* options) const { heif_decoding_options_free(options); }
};
template <typename T>
using Heif = std::unique_ptr<T, FreeHeif>;

void check_heif(const std::string& where, const heif_error& error, std::string_view name) {
  if (error.code == heif_error_Ok) return;
  std::string reason = error.message != nullptr ? error.message : "no reason given";
  std::replace(reason.begin(), reason.end(), '\n', ' ');
  if (error.code == heif_error_Memory_allocation_error && error.subcode != heif_suberror_Security_limit_exceeded)
    throw Error(ErrorKind::memory, where, fmt::format("no memory for its pixels ({})", reason));
  throw_data(where, fmt::format("is a damaged or cut {} ({})", name, reason));
}

struct HeifFile {
  Heif<heif_context> context;
  Heif<heif_image_handle> picture;
  std::string_view name;  // of its format
};

/// Once: loads what decodes.
const heif_error& start_heif() {
  static const heif_error kStarted = heif_init(nullptr);
  return kStarted;
}

HeifFile open_heif(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  HeifFile file;
  const ImageFormat format = sniff_heif(bytes);
  file.name = to_string(format);
  check_heif(where, start_heif(), file.name);
  file.context.reset(heif_context_alloc());
  if (!file.context) throw Error(ErrorKind::memory, where, "no memory for a HEIF decoder");
  heif_context_set_max_decoding_threads(file.context.get(), 0);  // images are decoded side by side already
  check_heif(where, heif_context_read_from_memory_without_copy(file.context.get(), bytes.data(), bytes.size(), nullptr),
             file.name);
  heif_image_handle* picture = nullptr;
  check_heif(where, heif_context_get_primary_image_handle(file.context.get(), &picture), file.name);
  file.picture.reset(picture);
  check_pixels(where, heif_image_handle_get_height(picture), heif_image_handle_get_width(picture), max_pixels);
  const bool avif = format == ImageFormat::avif;
  if (heif_have_decoder_for_format(avif ? heif_compression_AV1 : heif_compression_HEVC) == 0)
    throw_data(where, fmt::format("is {}, for which this system's libheif has no decoder", file.name),
               avif ? "install libheif-plugin-dav1d or libheif-plugin-aomdec, or save it as JPEG or PNG"
                    : "install libheif-plugin-libde265, or save it as JPEG or PNG");
  return file;
}

}  // namespace

std::string heif_abilities() {
  start_heif();
  return fmt::format("{}{}", heif_have_decoder_for_format(heif_compression_HEVC) != 0 ? "+heic" : "",
                     heif_have_decoder_for_format(heif_compression_AV1) != 0 ? "+avif" : "");
}

Image decode_heif(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  const HeifFile file = open_heif(where, bytes, max_pixels);
  const bool alpha = heif_image_handle_has_alpha_channel(file.picture.get()) != 0;
  const Heif<heif_decoding_options> options(heif_decoding_options_alloc());
  if (!options) throw Error(ErrorKind::memory, where, "no memory for a HEIF decoder");
  options->convert_hdr_to_8bit = 1;
  options->strict_decoding = 1;
  heif_image* decoded = nullptr;
  check_heif(where,
             heif_decode_image(file.picture.get(), &decoded, heif_colorspace_RGB,
                               alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options.get()),
             file.name);
  const Heif<heif_image> pixels(decoded);
  int stride = 0;
  const uint8_t* from = heif_image_get_plane_readonly(decoded, heif_channel_interleaved, &stride);
  const int width = heif_image_get_width(decoded, heif_channel_interleaved);
  const int height = heif_image_get_height(decoded, heif_channel_interleaved);
  if (from == nullptr || width < 1 || height < 1)
    throw_data(where, fmt::format("is a damaged or cut {} (it gives no pixels)", file.name));
  Image image{height, width, alpha ? 4 : 3, {}};
  const auto row = static_cast<std::size_t>(width) * static_cast<std::size_t>(image.channels);
  image.pixels.reserve(row * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y, from += stride) image.pixels.insert(image.pixels.end(), from, from + row);
  return image;
}

ImageShape heif_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  const HeifFile file = open_heif(where, start.bytes, max_pixels);
  return {heif_image_handle_get_height(file.picture.get()), heif_image_handle_get_width(file.picture.get()), 3};
}

#else
namespace {

[[noreturn]] void refuse_heif(const std::string& where, std::span<const uint8_t> bytes) {
  throw_data(where, fmt::format("is {}, which this build of fewlabel does not read", to_string(sniff_heif(bytes))),
             "save it as JPEG or PNG, or build fewlabel with libheif-dev installed");
}

}  // namespace

std::string heif_abilities() { return {}; }
Image decode_heif(const std::string& where, std::span<const uint8_t> bytes, int64_t) { refuse_heif(where, bytes); }
ImageShape heif_header(const std::string& where, const FileStart& start, int64_t) { refuse_heif(where, start.bytes); }
#endif

}  // namespace fewlabel::detail
