// Reading and writing safetensors files: fewlabel's format for weights.
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "train/optimizer.h"

namespace fewlabel {

/// What was written or read, with XXH3-128 of all bytes and of each tensor's bytes.
struct FileRecord {
  int64_t size = 0;
  std::string hash;
  std::map<std::string, std::string> tensors;
  bool operator==(const FileRecord&) const = default;
};

/// Bytes that write_safetensors will need, about.
int64_t safetensors_size(const TensorMap& tensors);
/// Writes a file; it is not flushed (write_folder does that for all of its files). Row-major, whatever the layout in
/// memory. Throws Error{storage}.
FileRecord write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                             const std::map<std::string, std::string>& metadata = {});
/// Reads all tensors to the CPU. Throws Error{storage} naming the file and what is wrong with it. `record`, if given,
/// is of the very bytes that were read.
TensorMap read_safetensors(const std::filesystem::path& path, FileRecord* record = nullptr);

}  // namespace fewlabel
