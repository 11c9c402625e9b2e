// What the config.json of each known architecture says. Internal to src/encoders.
#pragma once
#include "encoders/encoders.h"

namespace fewlabel {

/// A JSON file of at most 4 MB. Throws Error{data} for what is missing or none, naming the file.
Json read_encoder_json(const std::filesystem::path& path);

/// Fills kind, architecture, net and what the net was trained on from a config.json. Throws Error{data}.
void read_architecture(EncoderCard& card, const Json& config);
/// The same from an encoder.json that names ONNX files.
void read_graphs(EncoderCard& card, const Json& encoder);

}  // namespace fewlabel
