// What the operators of ONNX do, https://onnx.ai/onnx/operators: one function each, for all versions from opset 11
// to 20.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onnx/graph.h"

namespace fewlabel::onnx {

using Tensors = std::vector<Tensor>;
using Sizes = std::vector<int64_t>;

/// One node about to be run: what its operator's function gets.
class Call {
 public:
  /// `where` is the file. All must outlive the call.
  Call(const OnnxNode& node, int64_t opset, const Tensors& inputs, const std::string& where)
      : node_(node), opset_(opset), inputs_(inputs), where_(where) {}

  int64_t opset() const { return opset_; }
  std::size_t inputs() const { return inputs_.size(); }
  std::size_t outputs() const { return node_.outputs.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i].defined(); }
  /// Input i; throws where it is left out.
  const Tensor& operator[](std::size_t i) const;
  /// Input i, or an undefined tensor.
  Tensor optional(std::size_t i) const { return has(i) ? inputs_[i] : Tensor(); }
  /// Input i as whole numbers.
  Sizes integers(std::size_t i) const;

  bool has(std::string_view name) const { return attribute(name) != nullptr; }
  int64_t integer(std::string_view name, int64_t missing) const;
  double real(std::string_view name, double missing) const;
  std::string text(std::string_view name, std::string_view missing) const;
  Sizes integers(std::string_view name, const Sizes& missing = {}) const;
  Tensor tensor(std::string_view name) const;  // undefined where it is missing

  /// An axis of `rank` as a number from 0.
  int64_t axis(int64_t axis, int64_t rank) const;
  /// Refuses sizes whose product is beyond what nets are made of, before they take memory; gives them back.
  const Sizes& bounded(const Sizes& sizes, int64_t most = int64_t{1} << 31) const;
  /// Throws Error{data} that names the file and the node: "node 'conv1' (Conv) " + why.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  const OnnxAttribute* attribute(std::string_view name) const;
  template <typename Value>
  const Value* find(std::string_view name) const;

  const OnnxNode& node_;
  int64_t opset_;
  const Tensors& inputs_;
  const std::string& where_;
};

constexpr int64_t kMostMade = 1 << 28;    // values made from nothing but a shape
constexpr int64_t kMostPlaces = 1 << 24;  // along one axis, where each is computed by itself

/// Inputs of an operator, as bits: input 1 and 3 are 0b1010.
using InputSet = uint32_t;

struct Operator {
  std::string_view name;
  Tensors (*run)(const Call&);
  /// Inputs that say how much or where: read on the CPU, and never trained.
  InputSet host = 0;
  /// Inputs that are kept with the weights, but not trained: statistics.
  InputSet fixed = 0;
};

/// Nothing for a name that is not known.
const Operator* find_operator(std::string_view name);

/// The tables that find_operator looks into, one a file.
std::span<const Operator> elementwise_operators();
std::span<const Operator> layer_operators();
std::span<const Operator> reduction_operators();
std::span<const Operator> shaping_operators();
std::span<const Operator> indexing_operators();

/// Both in the type that holds both: autocast leaves mixed ones behind.
std::pair<Tensor, Tensor> promoted(const Tensor& a, const Tensor& b);

}  // namespace fewlabel::onnx
