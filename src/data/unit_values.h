// Pixels that are stored as reals.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>

#include "data/byte_file.h"

namespace fewlabel {

/// Values of type Float in [0, 1], one after another as a file has them, as bytes of 0 to 255. Throws Error{data} for
/// one that lies outside by more than a millionth.
template <typename Float>
Bytes unit_to_bytes(const std::string& where, std::span<const uint8_t> raw) {
  Bytes result(raw.size() / sizeof(Float));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Float value = 0;
    std::memcpy(&value, raw.data() + i * sizeof(Float), sizeof(Float));
    if (!(value >= Float(-1e-6) && value <= Float(1 + 1e-6)))
      throw_data(where, fmt::format("value {} lies outside [0, 1]", value), "scale floats to [0, 1] or store uint8");
    result[i] = static_cast<uint8_t>(std::lround(std::clamp(value, Float(0), Float(1)) * 255));
  }
  return result;
}

}  // namespace fewlabel
