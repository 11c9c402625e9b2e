// The numbers of a TIFF as its file holds them, and how they become 8 bits.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace fewlabel::detail {

enum class SampleKind { natural, integer, real };

struct TiffSamples {
  SampleKind kind = SampleKind::natural;
  int bits = 8;                 // of a sample in the file: 1 to 16, 32, or 64 (real)
  int stated_bits = 0;          // how many of them the file says are used; 0: it says nothing
  std::vector<uint8_t> values;  // each in 1, 2, 4 or 8 bytes of this machine's order

  /// Bytes of a sample in `values`.
  std::size_t width() const { return bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8; }
};

/// Writes `count` samples of a row to `to`, one every `step` samples. Those of 1 to 16 bits may be packed, the highest
/// bit first.
void unpack_samples(const TiffSamples& samples, const uint8_t* row, std::size_t first, std::size_t every,
                    std::size_t count, uint8_t* to, std::size_t step);

/// One byte a sample: reals are of [0, 1]. Whole numbers of 16 or 32 bits are scaled from the bits that are used: those
/// that the file states, otherwise the smallest of 12, 14, 16 and 32 that hold its largest value. Others are scaled
/// from all of their bits. Throws Error{data} for values outside.
std::vector<uint8_t> samples_to_bytes(const std::string& where, const TiffSamples& samples);

}  // namespace fewlabel::detail
