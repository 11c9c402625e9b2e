// Tensors of an encoder's file, on their way into a net of ours. Internal to src/eval.
#pragma once
#include <string>
#include <vector>

#include "encoders/encoders.h"
#include "train/safetensors.h"

namespace fewlabel {

/// Each tensor is to be used or left out by name; whatever is wrong is an Error{data} that names it.
class EncoderTensors {
 public:
  EncoderTensors(const EncoderCard& card, TensorMap tensors) : card_(card), tensors_(std::move(tensors)) {}

  /// Takes one away. Any type of numbers, as fp32.
  Tensor take(const std::string& name, c10::IntArrayRef sizes);
  /// Takes NAME.weight and NAME.bias into the parameters OURS.weight and OURS.bias of a net.
  void copy(const TensorMap& net, const std::string& ours, const std::string& name);
  /// Takes one into a tensor of a net; a count of batches, which only training needs, is none of its own.
  void copy_tensor(const Tensor& to, const std::string& name);
  /// Takes one whose numbers are those of `to`, but whose shape has dimensions of 1 more.
  void copy_flat(const Tensor& to, const std::string& name);
  /// Takes NAME.* into all parameters and buffers OURS.* of a net: those that a layer has, statistics of a batch norm
  /// included.
  void copy_layer(const TensorMap& net, const std::string& ours, const std::string& name);
  /// The same of parts of equal size, one under the other: query, key and value as one layer.
  void copy_joined(const TensorMap& net, const std::string& ours, const std::vector<std::string>& names);
  bool has(const std::string& name) const { return tensors_.contains(name); }
  c10::IntArrayRef sizes(const std::string& name) const;
  /// What is not needed, by the beginnings of names. Throws for what is left then.
  std::vector<std::string> leave_out(const std::vector<std::string>& beginnings);
  /// Whether any name begins so.
  bool any(const std::string& beginning) const;
  [[noreturn]] void fail(const std::string& message) const;

 private:
  const EncoderCard& card_;
  TensorMap tensors_;
};

/// Fills the parameters and buffers of a net, by name, and says what was left out of `from`. One for each set of names.
using FillNet = std::vector<std::string>(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                         const Layout& layout);
FillNet fill_bert;
FillNet fill_vision_transformer;
FillNet fill_resnet;
FillNet fill_convnext;
FillNet fill_speech_encoder;
FillNet fill_whisper;
/// Nets whose parts are called as they are there.
FillNet fill_same;

}  // namespace fewlabel
