// Recordings: sound files, of which a net sees log-mel spectrograms or the samples.
#pragma once
#include <memory>

#include "fewlabel/modality.h"
#include "modalities/audio/front_end.h"

namespace fewlabel {

std::unique_ptr<Modality> make_audio_modality(const FrontEnd& front);

}  // namespace fewlabel
