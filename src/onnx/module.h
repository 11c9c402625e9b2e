// A net out of an ONNX file, which libtorch runs and trains.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onnx/graph.h"

namespace fewlabel {

/// What is wanted of a graph beside one input and its first output.
struct OnnxFace {
  std::size_t most_inputs = 1;
  std::vector<std::string> outputs = {};  // the first of these that it has; else its first one
};

/// Initializers of real numbers, of one dimension or more and more than one value, are parameters, in the order in
/// which nodes first read them: "encoder.0.weight" is called "encoder_0_weight". The statistics of batch
/// normalisations, which are not learnt, are buffers; what says how to cut or shape, and single numbers, are constants.
/// Batch normalisations use their statistics and dropout does nothing, also in training mode. One forward at a time.
class OnnxModuleImpl : public torch::nn::Module {
 public:
  /// Throws what onnx::read_graph does, and Error{data} for an operator that is not known.
  explicit OnnxModuleImpl(const std::filesystem::path& path, onnx::Weights weights = onnx::Weights::in_file,
                          const OnnxFace& face = {});

  OnnxModuleImpl(const OnnxModuleImpl&) = delete;
  OnnxModuleImpl& operator=(const OnnxModuleImpl&) = delete;

  /// The graph's first output for its one input; shapes and types are the file's business. Throws Error{data} that
  /// names the node which could not be run.
  torch::Tensor forward(const torch::Tensor& x);
  /// The same for values by their names: all inputs, and others that are then not computed.
  torch::Tensor answer(const std::map<std::string, torch::Tensor>& given);

  /// Rows of a weight that whole numbers of an input choose: what tokens are embedded by.
  struct Lookup {
    std::string value;     // the rows, one for each number
    torch::Tensor weight;  // vocabulary × E; undefined where there is none
  };
  Lookup lookup_of(const std::string& input) const;

  /// An ONNX file of the same graph without the values of parameters and buffers, which onnx::Weights::elsewhere
  /// reads: they are saved as this module's state. Throws Error{storage}.
  void write_skeleton(const std::filesystem::path& path) const;

  const std::string& name() const { return where_; }  // the file that it came from
  const std::vector<onnx::OnnxValue>& inputs() const { return graph_.inputs; }
  const onnx::OnnxValue& input() const { return graph_.inputs.front(); }
  const onnx::OnnxValue& output() const { return graph_.outputs[chosen_]; }

 private:
  struct Value {              // one of the graph, by its place in `values_`
    torch::Tensor constant;   // undefined where a node computes it
    torch::Tensor elsewhere;  // a copy of a constant on another device, once that was asked for
    bool trained = false;     // a parameter or a buffer, which moves with the module
  };
  struct Step;  // points into graph_: a module cannot be copied

  void plan();
  void add_weights();
  torch::Tensor on(const torch::Device& device, const torch::Tensor& value, std::size_t place);
  void run(const Step& step, std::vector<torch::Tensor>& values);

  std::string where_;
  onnx::OnnxGraph graph_;
  std::vector<Value> values_;
  std::vector<std::shared_ptr<const Step>> steps_;
  std::size_t chosen_ = 0;  // among the outputs
  std::size_t output_ = 0;  // its place
  std::map<std::string, std::size_t> places_;
  std::map<std::string, std::string> names_;  // of weights: the file's, and this module's
};
TORCH_MODULE(OnnxModule);

}  // namespace fewlabel
