// What the config.json of each known architecture says. Internal to src/encoders.
#pragma once
#include "encoders/encoders.h"

namespace fewlabel {

/// Fills kind, architecture, net and what the net was trained on from a config.json. Throws Error{data}.
void read_architecture(EncoderCard& card, const Json& config);
/// The same from an encoder.json that names ONNX files.
void read_graphs(EncoderCard& card, const Json& encoder);

/// One reader for each net of ours: of a config.json whose architecture is known, beside which weights lie.
void read_bert(EncoderCard& card, const Json& config);
void read_wav2vec2(EncoderCard& card, const Json& config);
void read_whisper(EncoderCard& card, const Json& config);
void read_efficientnet(EncoderCard& card, const Json& config);

/// How a folder of sentence-transformers pools: net.pool, the mean where nothing is said. Refuses what else it does.
void read_sentence_modules(EncoderCard& card);

}  // namespace fewlabel
