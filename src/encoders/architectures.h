// What the config.json of each known architecture says. Internal to src/encoders.
#pragma once
#include "encoders/encoders.h"

namespace fewlabel {

/// Fills kind, architecture, net and what the net was trained on from a config.json. Throws Error{data}.
void read_architecture(EncoderCard& card, const Json& config);
/// The same from an encoder.json that names ONNX files; an empty one: of a file that comes without it.
void read_graphs(EncoderCard& card, const Json& encoder);

/// One reader for each net of ours: of a config.json whose architecture is known, beside which weights lie.
void read_bert(EncoderCard& card, const Json& config);
void read_wav2vec2(EncoderCard& card, const Json& config);
void read_whisper(EncoderCard& card, const Json& config);
void read_vision_transformer(EncoderCard& card, const Json& config);       // Hugging Face
void read_timm_vision_transformer(EncoderCard& card, const Json& config);  // timm
void read_efficientnet_lite(EncoderCard& card, const Json& config);
void read_mobile(EncoderCard& card, const Json& config);
void read_resnet(EncoderCard& card, const Json& config);
void read_convnext(EncoderCard& card, const Json& config);

/// The names of the larger families.
std::vector<std::string> mobile_names();
std::vector<std::string> resnet_names();
std::vector<std::string> convnext_names();

/// How a folder of sentence-transformers pools: net.pool, the mean where nothing is said. Refuses what else it does.
void read_sentence_modules(EncoderCard& card);

}  // namespace fewlabel
