// TensorProto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: the constants of an ONNX file.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "onnx/wire.h"

namespace fewlabel::onnx {

using Tensor = torch::Tensor;

/// Where the values of a net's weights are.
enum class Weights {
  in_file,    // in the ONNX file, or beside it as external data
  elsewhere,  // left out of the file, all zeros until somebody sets them
};

/// ONNX's number of a type, and the type of such a number: float, double, float16, bfloat16, int64, int32, int8, uint8
/// or bool; nothing for others.
std::optional<int64_t> onnx_type(at::ScalarType type);
std::optional<at::ScalarType> scalar_type(int64_t onnx_type);
/// For messages: "uint4".
std::string onnx_type_name(int64_t onnx_type);

/// Reads the tensors of one file. No memory is taken before it is known that the file has as many bytes.
class TensorReader {
 public:
  /// `file` is that of the graph: external data must lie in its folder.
  TensorReader(std::filesystem::path file, Weights weights) : file_(std::move(file)), weights_(weights) {}

  /// The tensor, contiguous and on the CPU; its name goes to `name` where that is asked for. Throws Error{storage}
  /// where data are missing, damaged or outside the folder, Error{data} for types that cannot be run.
  Tensor read(WireReader message, std::string* name = nullptr);

 private:
  std::filesystem::path file_;
  Weights weights_;
  uint64_t left_out_ = 0;  // bytes of tensors without data, so far
};

/// The tensor as a TensorProto, with its values or with its sizes alone.
WireWriter format_tensor(const std::string& name, const Tensor& tensor, bool with_data);

/// Part of a file; throws Error{storage}.
void read_bytes(const std::filesystem::path& path, uint64_t offset, void* to, uint64_t size);
/// Of a regular file; throws Error{storage}.
uint64_t regular_file_size(const std::filesystem::path& path);

}  // namespace fewlabel::onnx
