// ONNX files for tests, put together by hand: what an exporter would not write has to be refused as well.
#pragma once
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "onnx/wire.h"

namespace fewlabel::testing {

using onnx::WireWriter;

constexpr int64_t kFloat = 1, kLong = 7;  // of TensorProto.DataType

inline WireWriter initializer(const std::string& name, const std::vector<int64_t>& sizes,
                              const std::vector<float>& values) {
  WireWriter tensor;
  for (const int64_t size : sizes) tensor.integer(1, size);
  tensor.integer(2, kFloat);
  tensor.text(8, name);
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  if (!values.empty()) tensor.text(9, bytes);
  return tensor;
}

inline WireWriter node(const std::string& op, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs, const std::vector<WireWriter>& attributes = {}) {
  WireWriter message;
  for (const std::string& input : inputs) message.text(1, input);
  for (const std::string& output : outputs) message.text(2, output);
  message.text(3, "the_" + op);
  message.text(4, op);
  for (const WireWriter& attribute : attributes) message.message(5, attribute);
  return message;
}

inline WireWriter integer(const std::string& name, int64_t value) {
  WireWriter attribute;
  attribute.text(1, name);
  attribute.integer(3, value);
  attribute.integer(20, 2);
  return attribute;
}

inline WireWriter integers(const std::string& name, const std::vector<int64_t>& values) {
  WireWriter attribute;
  attribute.text(1, name);
  for (const int64_t value : values) attribute.integer(8, value);
  attribute.integer(20, 7);
  return attribute;
}

inline WireWriter value(const std::string& name) {
  WireWriter type, tensor, message;
  tensor.integer(1, kFloat);
  type.message(1, tensor);
  message.text(1, name);
  message.message(2, type);
  return message;
}

struct ModelParts {
  std::vector<WireWriter> nodes, initializers;
  std::vector<std::string> inputs = {"x"}, outputs = {"y"};
  int64_t opset = 17;
};

inline std::string model_bytes(const ModelParts& parts) {
  WireWriter graph, opset, model;
  for (const WireWriter& node : parts.nodes) graph.message(1, node);
  graph.text(2, "test");
  for (const WireWriter& initializer : parts.initializers) graph.message(5, initializer);
  for (const std::string& name : parts.inputs) graph.message(11, value(name));
  for (const std::string& name : parts.outputs) graph.message(12, value(name));
  opset.integer(2, parts.opset);
  model.integer(1, 8);
  model.message(7, graph);
  model.message(8, opset);
  return model.bytes();
}

/// x: N × 1 × 6 × 6 → N × 2: a convolution with normalisation, ReLU, pooling and a linear head.
inline ModelParts small_net() {
  const auto some = [](std::size_t count, float shift) {
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i * 7 % 11) / 8 - 0.6F + shift);
    return values;
  };
  ModelParts parts;
  parts.nodes = {node("Conv", {"x", "conv.weight", "conv.bias"}, {"a"}, {integers("pads", {1, 1, 1, 1})}),
                 node("BatchNormalization", {"a", "bn.weight", "bn.bias", "bn.mean", "bn.var"}, {"b"}),
                 node("Relu", {"b"}, {"c"}),
                 node("GlobalAveragePool", {"c"}, {"d"}),
                 node("Flatten", {"d"}, {"e"}),
                 node("Gemm", {"e", "fc.weight", "fc.bias"}, {"y"})};
  parts.initializers = {initializer("conv.weight", {3, 1, 3, 3}, some(27, 0)),
                        initializer("conv.bias", {3}, some(3, 0)),
                        initializer("bn.weight", {3}, some(3, 1)),
                        initializer("bn.bias", {3}, some(3, 0.4F)),
                        initializer("bn.mean", {3}, some(3, 0.1F)),
                        initializer("bn.var", {3}, some(3, 1)),
                        initializer("fc.weight", {3, 2}, some(6, 0)),
                        initializer("fc.bias", {2}, some(2, 0))};
  return parts;
}

}  // namespace fewlabel::testing
