// The settings of a front end (fewlabel/sound.h) beside a model, and in a configuration.
#pragma once
#include <filesystem>

#include "fewlabel/sound.h"

namespace fewlabel {

/// audio.json of a model's folder. Throw Error{storage}.
void write_front_end(const std::filesystem::path& folder, const FrontEnd& front);
FrontEnd read_front_end(const std::filesystem::path& folder);

/// What a configuration or a plan of data says of it.
template <typename Data>
FrontEnd front_end_of(const Data& data) {
  return {data.mels, data.window_ms, data.hop_ms, data.trim_db, data.channel, data.cmn};
}
/// Lets one say what a model was made with.
template <typename Data>
void take_front_end(Data& data, const FrontEnd& front) {
  data.mels = front.mels;
  data.window_ms = front.window_ms;
  data.hop_ms = front.hop_ms;
  data.trim_db = front.trim;
  data.channel = front.channel;
  data.cmn = front.cmn;
}

}  // namespace fewlabel
