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

/// Initializers of real numbers, of one dimension or more and more than one value, are parameters, in the order in
/// which nodes first read them: "encoder.0.weight" is called "encoder_0_weight". The statistics of batch
/// normalisations, which are not learnt, are buffers; what says how to cut or shape, and single numbers, are constants.
/// Batch normalisations use their statistics and dropout does nothing, also in training mode. One forward at a time.
class OnnxModuleImpl : public torch::nn::Module {
 public:
  /// Throws what onnx::read_graph does, and Error{data} for an operator that is not known.
  explicit OnnxModuleImpl(const std::filesystem::path& path, onnx::Weights weights = onnx::Weights::in_file);

  OnnxModuleImpl(const OnnxModuleImpl&) = delete;
  OnnxModuleImpl& operator=(const OnnxModuleImpl&) = delete;

  /// The graph's first output for its one input; shapes and types are the file's business. Throws Error{data} that
  /// names the node which could not be run.
  torch::Tensor forward(const torch::Tensor& x);

  /// An ONNX file of the same graph without the values of parameters and buffers, which onnx::Weights::elsewhere
  /// reads: they are saved as this module's state. Throws Error{storage}.
  void write_skeleton(const std::filesystem::path& path) const;

  const std::string& name() const { return where_; }  // the file that it came from
  const onnx::OnnxValue& input() const { return graph_.inputs.front(); }
  const onnx::OnnxValue& output() const { return graph_.outputs.front(); }

 private:
  struct Value {              // one of the graph, by its place in `values_`
    torch::Tensor constant;   // undefined where a node computes it
    torch::Tensor elsewhere;  // a copy of a constant on another device, once that was asked for
    bool trained = false;     // a parameter or a buffer, which moves with the module
  };
  struct Step;  // points into graph_: a module cannot be copied

  void plan();
  void add_weights(const std::map<std::string, std::size_t>& places);
  torch::Tensor on(const torch::Device& device, const torch::Tensor& value, std::size_t place);
  void run(const Step& step, std::vector<torch::Tensor>& values);

  std::string where_;
  onnx::OnnxGraph graph_;
  std::vector<Value> values_;
  std::vector<std::shared_ptr<const Step>> steps_;
  std::size_t input_ = 0, output_ = 0;        // places
  std::map<std::string, std::string> names_;  // of weights: the file's, and this module's
};
TORCH_MODULE(OnnxModule);

}  // namespace fewlabel
