// SHA-256 (FIPS 180-4), by which hubs say what a file holds.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fewlabel {

class Sha256 {
 public:
  void add(std::string_view bytes);
  /// 64 hexadecimal digits of what was added; nothing can be added any more.
  std::string finish();

 private:
  void block(const unsigned char* bytes);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> rest_ = {};
  uint64_t size_ = 0;
};

/// Of a file. Throws Error{storage}, and Error{interrupted or terminated} once a signal came.
std::string sha256_of(const std::filesystem::path& path);

}  // namespace fewlabel
