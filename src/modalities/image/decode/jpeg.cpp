#include <fmt/format.h>

#include <csetjmp>
#include <cstddef>
#include <cstdio>  // jpeglib.h wants FILE

#include <jpeglib.h>

#include <jerror.h>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/exif.h"

namespace fewlabel::detail {
namespace {

constexpr int kMostScans = 500;

// libjpeg leaves by longjmp, as libpng does: the functions between setjmp and it hold plain values only.
struct JpegJob {
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  jpeg_progress_mgr progress = {};
  std::jmp_buf leave = {};
  char reason[JMSG_LENGTH_MAX] = {};
  JpegJob() = default;
  JpegJob(const JpegJob&) = delete;
  JpegJob& operator=(const JpegJob&) = delete;
  ~JpegJob() { jpeg_destroy_decompress(&jpeg); }
};

void leave_jpeg(j_common_ptr jpeg) {
  auto* job = static_cast<JpegJob*>(jpeg->client_data);
  job->errors.format_message(jpeg, job->reason);
  std::longjmp(job->leave, 1);  // NOLINT
}

/// Camera files often carry stray bytes between segments, or a version that libjpeg does not know: neither costs a
/// pixel. Every other warning stands for pixels that were made up, and each one is looked at as it comes.
void on_jpeg_message(j_common_ptr jpeg, int level) {
  const int code = jpeg->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_JFIF_MAJOR) leave_jpeg(jpeg);
}

/// A progressive file may hold thousands of scans, each of which costs a pass over all pixels.
void on_jpeg_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMostScans) return;
  auto* job = static_cast<JpegJob*>(jpeg->client_data);
  std::snprintf(job->reason, sizeof(job->reason), "it has more than %d scans", kMostScans);
  std::longjmp(job->leave, 1);  // NOLINT
}

bool read_jpeg_header(JpegJob& job, const unsigned char* data, unsigned long size) {
  job.jpeg.err = jpeg_std_error(&job.errors);
  job.errors.error_exit = leave_jpeg;
  job.errors.emit_message = on_jpeg_message;
  job.progress.progress_monitor = on_jpeg_progress;
  job.jpeg.client_data = &job;
  if (setjmp(job.leave) != 0) return false;  // NOLINT
  jpeg_create_decompress(&job.jpeg);         // keeps err and client_data
  job.jpeg.progress = &job.progress;
  jpeg_mem_src(&job.jpeg, data, size);
  jpeg_read_header(&job.jpeg, TRUE);
  return true;
}

bool start_jpeg(JpegJob& job, J_COLOR_SPACE space, unsigned reduce_by) {
  if (setjmp(job.leave) != 0) return false;  // NOLINT
  job.jpeg.out_color_space = space;
  job.jpeg.dct_method = JDCT_ISLOW;  // the accurate one
  job.jpeg.scale_num = 1;
  job.jpeg.scale_denom = reduce_by;
  jpeg_calc_output_dimensions(&job.jpeg);
  return true;
}

bool read_jpeg_pixels(JpegJob& job, uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(job.leave) != 0) return false;  // NOLINT
  jpeg_start_decompress(&job.jpeg);
  while (job.jpeg.output_scanline < job.jpeg.output_height) {
    constexpr JDIMENSION kRows = 16;
    JSAMPROW rows[kRows];
    for (JDIMENSION i = 0; i < kRows; ++i) rows[i] = pixels + (job.jpeg.output_scanline + i) * row_bytes;
    const JDIMENSION left = job.jpeg.output_height - job.jpeg.output_scanline;
    jpeg_read_scanlines(&job.jpeg, rows, left < kRows ? left : kRows);
  }
  jpeg_finish_decompress(&job.jpeg);
  return true;
}

[[noreturn]] void fail_jpeg(const std::string& where, const JpegJob& job) {
  throw_data(where, fmt::format("is a damaged or cut JPEG ({})", job.reason));
}

void open_jpeg(JpegJob& job, const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  if (!read_jpeg_header(job, bytes.data(), bytes.size())) fail_jpeg(where, job);
  check_pixels(where, job.jpeg.image_height, job.jpeg.image_width, max_pixels);
  if (job.jpeg.jpeg_color_space == JCS_UNKNOWN)
    throw_data(where, fmt::format("is a JPEG of {} channels", job.jpeg.num_components), "wanted: grey, RGB or CMYK");
}

/// Values are stored inverted, 255 for no ink: Photoshop's convention, which Pillow, Chromium and Firefox take for
/// every file, with or without the Adobe marker.
void cmyk_to_rgb(Image& image) {
  const std::size_t area = image.pixels.size() / 4;
  for (std::size_t i = 0; i < area; ++i) {
    const unsigned white = image.pixels[i * 4 + 3];
    for (std::size_t c = 0; c < 3; ++c)
      image.pixels[i * 3 + c] = static_cast<uint8_t>((image.pixels[i * 4 + c] * white + 127) / 255);
  }
  image.pixels.resize(area * 3);
  image.channels = 3;
}

/// The decoder shrinks by 2, 4 or 8 for next to nothing, since it leaves out frequencies. Twice the target remains, so
/// that the area average which follows gives nearly the pixels that the whole image would give.
unsigned reduction(int64_t width, int64_t height, const ImageShape& target) {
  int64_t by = 1;
  if (target.width > 0 && target.height > 0)
    while (by < 8 && width / (2 * by) >= 2 * target.width && height / (2 * by) >= 2 * target.height) by *= 2;
  return static_cast<unsigned>(by);
}

}  // namespace

Image decode_jpeg(const std::string& where, std::span<const uint8_t> bytes, const DecodeOptions& options) {
  JpegJob job;
  open_jpeg(job, where, bytes, options.max_pixels);
  const int orientation = jpeg_orientation(bytes);
  const ImageShape target = turned(options.target, orientation);
  const J_COLOR_SPACE stored = job.jpeg.jpeg_color_space;
  const bool cmyk = stored == JCS_CMYK || stored == JCS_YCCK;
  if (!start_jpeg(job,
                  cmyk                      ? JCS_CMYK
                  : stored == JCS_GRAYSCALE ? JCS_GRAYSCALE
                                            : JCS_RGB,
                  reduction(job.jpeg.image_width, job.jpeg.image_height, target)))
    fail_jpeg(where, job);
  Image image{static_cast<int32_t>(job.jpeg.output_height),
              static_cast<int32_t>(job.jpeg.output_width),
              job.jpeg.output_components,
              {}};
  const std::size_t row_bytes = std::size_t{job.jpeg.output_width} * static_cast<std::size_t>(image.channels);
  image.pixels.resize(row_bytes * job.jpeg.output_height);
  if (!read_jpeg_pixels(job, image.pixels.data(), row_bytes)) fail_jpeg(where, job);
  if (cmyk) cmyk_to_rgb(image);
  orient(image, orientation);
  return image;
}

ImageShape jpeg_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  JpegJob job;
  open_jpeg(job, where, start.bytes, max_pixels);
  return turned({static_cast<int32_t>(job.jpeg.image_height), static_cast<int32_t>(job.jpeg.image_width),
                 job.jpeg.jpeg_color_space == JCS_GRAYSCALE ? 1 : 3},
                jpeg_orientation(start.bytes));
}

}  // namespace fewlabel::detail
