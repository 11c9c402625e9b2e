// The graph of an ONNX file, https://onnx.ai/onnx/repo-docs/IR.html: nodes, and the values that go between them by
// name.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "onnx/tensor.h"

namespace fewlabel::onnx {

constexpr int64_t kFirstOpset = 11, kLastOpset = 20;

using OnnxAttribute = std::variant<float, int64_t, std::string, Tensor, std::vector<float>, std::vector<int64_t>,
                                   std::vector<std::string>>;

struct OnnxNode {
  std::string op, name;                      // name: may be empty
  std::vector<std::string> inputs, outputs;  // names of values; empty where one is left out
  std::map<std::string, OnnxAttribute> attributes;
};

/// What the file says of an input or output.
struct OnnxValue {
  std::string name;
  int64_t type = 0;  // ONNX's number; 0: not said
  bool ranked = false;
  std::vector<int64_t> sizes;  // where it is ranked; -1: any
};

struct OnnxGraph {
  int64_t opset = 0, ir = 0;  // versions of the operators and of the format
  std::vector<OnnxValue> inputs, outputs;
  std::vector<OnnxNode> nodes;                 // each after those that it reads from; without Constant
  std::map<std::string, Tensor> initializers;  // by name; those of Constant nodes are among them
};

/// Throws Error{storage} for a file that is damaged, Error{data} for one that is none we can run: other operators than
/// ONNX's own of opset 11 to 20, control flow, quantised values, more inputs than that.
OnnxGraph read_graph(const std::filesystem::path& path, Weights weights = Weights::in_file,
                     std::size_t most_inputs = 1);

/// The bytes of an ONNX file of that graph. Initializers for which `left_out` is true are without their data.
std::string format_graph(const OnnxGraph& graph, const std::function<bool(const std::string&)>& left_out);

/// "node 'conv1' (Conv)", for messages.
std::string label(const OnnxNode& node);

}  // namespace fewlabel::onnx
