// The steps of a sound policy: on the samples of a recording, then on its spectrogram (views.h).
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/policy.h"
#include "fewlabel/random.h"
#include "modalities/audio/front_end.h"

namespace fewlabel {

/// Samples of a recording as a store keeps them.
struct KeptSound {
  const float* samples = nullptr;
  int64_t length = 0;
};

/// A recording while steps work on it: first as long as it is, then, once it is placed, as long as a view.
struct SoundTake {
  std::vector<float> wave;
  int64_t room;  // samples of a view
  int32_t rate;
  KeptSound other = {};  // what a step may mix in; none: null
  double shift = 0;      // of the room, to the right
  int64_t sounding = 0;  // samples of `wave` that are no silence of ours
  int64_t begin = 0;     // of them in a view
  bool placed = false;

  void place();
};

/// A view's spectrogram, or its samples as a single row where the net sees those.
struct SeenSound {
  float* values;
  int64_t rows, columns;
  int32_t rate;
  int64_t begin, end;  // of the recording in it, in columns
};

/// Immutable; thread-safe.
class SoundStep {
 public:
  virtual ~SoundStep() = default;
  virtual void hear(SoundTake& /*take*/, Random& /*random*/) const {}
  virtual void see(SeenSound& /*seen*/, Random& /*random*/) const {}
  /// Whether it wants another recording.
  virtual bool mixes() const { return false; }
};

/// The step that the arguments name; throws Error{usage} with the nearest names.
std::unique_ptr<SoundStep> make_sound_step(augment::Arguments& arguments, const FrontEnd& settings);

}  // namespace fewlabel
