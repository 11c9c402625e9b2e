// Nets that came as ONNX, by the kind of their data. Internal to src/nets.
#pragma once
#include <filesystem>
#include <string>

#include "encoders/encoders.h"
#include "nets/build.h"
#include "onnx/module.h"

namespace fewlabel {

Net make_sound_graph(const NetSpec& spec);
Net make_image_graph(const NetSpec& spec);
Net make_text_graph(const NetSpec& spec);

/// The one graph of an encoder of images or texts, read from an ONNX file, a folder with an encoder.json, or a model's
/// folder.
struct SingleGraph {
  /// Reads it; `outputs` are tried where the encoder names none.
  SingleGraph(const NetSpec& spec, std::size_t most_inputs, const std::vector<std::string>& outputs);
  /// NetModule::write of its net.
  void write(const std::filesystem::path& folder) const;
  [[noreturn]] void refuse(const std::string& message, const std::string& hint) const;

  std::filesystem::path place;  // the file or the folder
  GraphLink link;
  Kind kind;
  OnnxModule module{nullptr};
};

/// "N x 3 x 224 x 224", of what a file says of a value.
std::string sizes_text(const onnx::OnnxValue& value);
/// Whether a graph was made for one example at a time. Throws where it was made for another number.
bool takes_one(const SingleGraph& graph, const onnx::OnnxValue& input);

}  // namespace fewlabel
