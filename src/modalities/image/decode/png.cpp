#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "data/byte_file.h"
#include "modalities/image/decode/decode.h"
#include "modalities/image/decode/exif.h"

namespace fewlabel::detail {
namespace {

// libpng leaves by longjmp. The functions between setjmp and it hold plain values only, so that no destructor is
// skipped; all memory belongs to decode_png.
struct Job {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t* data = nullptr;
  std::size_t size = 0, at = 0;
  char reason[128] = {};
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() { png_destroy_read_struct(&png, &info, nullptr); }
};

void on_error(png_structp png, png_const_charp text) {
  auto* job = static_cast<Job*>(png_get_error_ptr(png));
  std::strncpy(job->reason, text, sizeof(job->reason) - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep out, png_size_t count) {
  auto* job = static_cast<Job*>(png_get_io_ptr(png));
  if (count > job->size - job->at) png_error(png, "the file ends too early");
  std::memcpy(out, job->data + job->at, count);
  job->at += count;
}

bool begin(Job& job) {
  job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  if (job.png == nullptr) return false;
  job.info = png_create_info_struct(job.png);
  return job.info != nullptr;
}

bool read_header(Job& job) {
  if (setjmp(png_jmpbuf(job.png)) != 0) return false;  // NOLINT
  png_set_read_fn(job.png, &job, on_read);
  png_set_user_limits(job.png, 0x7fffffff, 0x7fffffff);  // ours is on the area and comes next
  png_set_chunk_malloc_max(job.png, 8 << 20);
  png_set_chunk_cache_max(job.png, 64);
  png_read_info(job.png, job.info);
  return true;
}

bool prepare(Job& job) {
  if (setjmp(png_jmpbuf(job.png)) != 0) return false;  // NOLINT
  png_set_expand(job.png);                             // palette to colour, 1, 2, 4 bits to 8, tRNS to alpha
  png_set_scale_16(job.png);                           // rounds, where png_set_strip_16 cuts off
  png_set_interlace_handling(job.png);
  png_read_update_info(job.png, job.info);
  return true;
}

bool read_pixels(Job& job, png_bytep pixels, std::size_t row_bytes, png_bytepp rows, png_uint_32 height) {
  if (setjmp(png_jmpbuf(job.png)) != 0) return false;  // NOLINT
  for (png_uint_32 y = 0; y < height; ++y) rows[y] = pixels + y * row_bytes;
  png_read_image(job.png, rows);
  return true;
}

[[noreturn]] void fail(const std::string& where, const Job& job) {
  throw_data(where, fmt::format("is a damaged or cut PNG ({})", job.reason));
}

/// Reads as far as the pixels, and holds what the header promises against the `size` of the file.
void open_png(Job& job, const std::string& where, const FileStart& start, int64_t max_pixels) {
  job.data = start.bytes.data();
  job.size = start.bytes.size();
  if (!begin(job)) throw Error(ErrorKind::memory, where, "no memory for a PNG decoder");
  if (!read_header(job)) fail(where, job);
  const png_uint_32 width = png_get_image_width(job.png, job.info), height = png_get_image_height(job.png, job.info);
  check_pixels(where, height, width, max_pixels);
  const int64_t promised = static_cast<int64_t>(png_get_rowbytes(job.png, job.info)) * height;
  if (promised > most_inflated(start.size)) throw_claim(where, height, width, start.size);
}

}  // namespace

Image decode_png(const std::string& where, std::span<const uint8_t> bytes, int64_t max_pixels) {
  Job job;
  open_png(job, where, {bytes, static_cast<int64_t>(bytes.size())}, max_pixels);
  if (!prepare(job)) fail(where, job);
  const png_uint_32 width = png_get_image_width(job.png, job.info), height = png_get_image_height(job.png, job.info);
  const std::size_t row_bytes = png_get_rowbytes(job.png, job.info);
  Image image{static_cast<int32_t>(height), static_cast<int32_t>(width), png_get_channels(job.png, job.info), {}};
  image.pixels.resize(row_bytes * height);
  std::vector<png_bytep> rows(height);
  if (!read_pixels(job, image.pixels.data(), row_bytes, rows.data(), height)) fail(where, job);
  orient(image, png_orientation(bytes));
  return image;
}

ImageShape png_header(const std::string& where, const FileStart& start, int64_t max_pixels) {
  Job job;
  open_png(job, where, start, max_pixels);
  const bool colour = (png_get_color_type(job.png, job.info) & PNG_COLOR_MASK_COLOR) != 0;  // a palette has it, too
  // An orientation behind the pixels of a large file is not seen here: to look for one would mean to read all of every
  // PNG. Only the guess of a size rests on it, and decoding turns the image all the same.
  return turned({static_cast<int32_t>(png_get_image_height(job.png, job.info)),
                 static_cast<int32_t>(png_get_image_width(job.png, job.info)), colour ? 3 : 1},
                png_orientation(start.bytes));
}

}  // namespace fewlabel::detail
