// The weights of an encoder, put into one of our nets.
#pragma once
#include "encoders/encoders.h"
#include "eval/initial.h"

namespace fewlabel {

/// The net that the card describes, for examples of that layout (texts read by the encoder's own tokenizer), with the
/// encoder's weights and no head.
/// Throws Error{data}: a tensor is missing, has another shape, or is not known (those that are left out on purpose,
/// heads of what it was trained for, are named by `InitialNet::method`); Error{storage}: a damaged file.
InitialNet load_encoder(const EncoderCard& card, const Layout& layout);

/// The side of the images, or the tokens of the texts, that an ONNX file takes alone; 0: any, or what it takes will be
/// refused by load_encoder. Throws what that does for a file that is none.
int64_t only_size(const EncoderCard& card);

}  // namespace fewlabel
