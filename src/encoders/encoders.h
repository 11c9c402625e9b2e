// Nets that somebody trained before, as they lie on disk: found by name or path, and described. What their weights
// become is in eval/encoder.h. Free of libtorch.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/layout.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

/// One of the ONNX files that an encoder.json names under "graphs".
struct GraphLink {
  std::string file;         // of the encoder's folder
  std::string output = {};  // of images and texts: by its name; empty: the first one
  bool one_by_one = false;  // it compares the examples of a batch with each other
  double input_scale = 1, output_scale = 1, output_shift = 0;
  int64_t window = 0, hop = 0;  // frames; 0: it is given all at once
};
/// Of recordings a front end and an encoder of windows, else one; `place` is their folder, or an ONNX file by itself.
/// Throws Error{data} where the folder's encoder.json describes none, or a file that is not there or lies elsewhere.
std::vector<GraphLink> read_graph_links(const std::filesystem::path& place);

/// An encoder's folder: of Hugging Face or timm (config.json, model.safetensors …), or with an encoder.json that names
/// ONNX files; or an ONNX file.
struct EncoderCard {
  std::string name, title, licence, source;  // for a person; licence and source may be unknown, and then are empty
  std::filesystem::path folder;
  std::filesystem::path place;  // what finds it again: the folder, or its one file
  Kind kind = Kind::image;
  std::string architecture;             // "bert", "roberta", "distilbert", "efficientnet_lite0", "onnx"
  NetConfig net;                        // that has its weights
  std::vector<double> mean, deviation;  // of what it was trained on; empty: none is taken off
  bool assumed = false;                 // ImageNet's, since nobody says it
  int64_t rate = 0;                     // recordings: samples a second
  int64_t first_place = 0;              // texts: that of their first token among the places
  std::string tokenizer;                // tokenizer.json of texts
  std::vector<std::string> files;       // with weights, in the folder
  int64_t bytes = 0;                    // of those
};

/// Throws Error{usage}: there is no such name or path; Error{data}: what is there is no encoder that is known here,
/// with what it lacks.
EncoderCard find_encoder(const std::string& name_or_path);
/// By name, of those that lie in encoder_folder(); what cannot be read is left out.
std::vector<EncoderCard> installed_encoders();
/// $FEWLABEL_ENCODERS, else $XDG_DATA_HOME/fewlabel/encoders, else ~/.local/share/fewlabel/encoders; empty where there
/// is no home.
std::filesystem::path encoder_folder();
/// XXH3-128 over its files with weights. Throws Error{storage}.
std::string encoder_hash(const EncoderCard& card);

/// One for each kind that `make encoders` brings.
struct KnownEncoder {
  const char *name, *title, *licence;
  Kind kind;
  int64_t megabytes;
};
const std::vector<KnownEncoder>& known_encoders();

}  // namespace fewlabel
