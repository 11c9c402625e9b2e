#include "modalities/image/decode/tiff_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "data/byte_file.h"
#include "data/unit_values.h"

namespace fewlabel::detail {
namespace {

template <typename T>
T value_at(const TiffSamples& samples, std::size_t i) {
  T value;
  std::memcpy(&value, samples.values.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// Of a camera with 12 bits no file is brightened more than another: fewer are never taken.
int bits_in_use(const TiffSamples& samples, uint64_t most) {
  if (samples.bits != 16 && samples.bits != 32) return samples.bits;
  const auto holds = [&](int bits) { return most >> bits == 0; };
  if (samples.stated_bits > 0 && samples.stated_bits <= samples.bits && holds(samples.stated_bits))
    return samples.stated_bits;
  return holds(12) ? 12 : holds(14) ? 14 : holds(16) ? 16 : 32;
}

template <typename T>
std::vector<uint8_t> whole_numbers(const std::string& where, const TiffSamples& samples) {
  std::vector<uint8_t> bytes(samples.values.size() / sizeof(T));
  T most = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const T value = value_at<T>(samples, i);
    if constexpr (std::is_signed_v<T>)
      if (value < 0)
        throw_data(where, fmt::format("value {} is negative", value), "add an offset, or scale floats to [0, 1]");
    most = std::max(most, value);
  }
  const uint64_t white = (uint64_t{1} << bits_in_use(samples, static_cast<uint64_t>(most))) - 1;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = static_cast<uint64_t>(value_at<T>(samples, i));
    bytes[i] = static_cast<uint8_t>((value * 255 + white / 2) / white);
  }
  return bytes;
}

}  // namespace

void unpack_samples(const TiffSamples& samples, const uint8_t* row, std::size_t first, std::size_t every,
                    std::size_t count, uint8_t* to, std::size_t step) {
  const std::size_t width = samples.width(), bits = static_cast<std::size_t>(samples.bits);
  if (bits == 8 * width && every == 1 && step == 1) {
    std::memcpy(to, row + first * width, count * width);
    return;
  }
  for (std::size_t i = 0; i < count; ++i, to += step * width) {
    const std::size_t at = first + i * every;
    if (bits == 8 * width) {
      std::memcpy(to, row + at * width, width);
      continue;
    }
    unsigned value = 0;
    for (std::size_t bit = at * bits; bit < (at + 1) * bits; ++bit)
      value = value << 1 | (row[bit / 8] >> (7 - bit % 8) & 1u);
    if (width == 1) {
      *to = static_cast<uint8_t>(value);
    } else {
      const auto wide = static_cast<uint16_t>(value);
      std::memcpy(to, &wide, sizeof(wide));
    }
  }
}

std::vector<uint8_t> samples_to_bytes(const std::string& where, const TiffSamples& samples) {
  if (samples.kind == SampleKind::real)
    return samples.bits == 64 ? unit_to_bytes<double>(where, samples.values)
                              : unit_to_bytes<float>(where, samples.values);
  const bool natural = samples.kind == SampleKind::natural;
  switch (samples.width()) {
    case 1:
      if (natural && samples.bits == 8) return samples.values;
      return natural ? whole_numbers<uint8_t>(where, samples) : whole_numbers<int8_t>(where, samples);
    case 2:
      return natural ? whole_numbers<uint16_t>(where, samples) : whole_numbers<int16_t>(where, samples);
    default:
      return natural ? whole_numbers<uint32_t>(where, samples) : whole_numbers<int32_t>(where, samples);
  }
}

}  // namespace fewlabel::detail
