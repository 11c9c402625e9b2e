// Views of recordings: steps on the samples (speed, shift, gain, noise, another recording, reverb), then on the log-mel
// spectrogram (other voices, masks).
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "fewlabel/transform.h"
#include "modalities/audio/front_end.h"
#include "modalities/audio/log_mel.h"
#include "modalities/audio/steps.h"

namespace fewlabel {

/// What a store keeps of a recording: its length in samples, an int32 in the place of the first value (a float counts
/// no further than 16,777,216), then `longest` samples, silence behind its end.
Layout kept_sound(const Layout& seen);
/// `kept`: kept_sound(seen).bytes() bytes.
KeptSound sound_of(const uint8_t* kept, const Layout& seen);

/// Samples to what a net sees. Thread-safe; a run has one rate, for which bands are made once.
class Front {
 public:
  explicit Front(FrontEnd settings) : settings_(std::move(settings)) {}
  const FrontEnd& settings() const { return settings_; }
  /// `samples`: settings().samples(seen) values, of which those from `begin` to `end` are of the recording. What lies
  /// beside them is silence to the last bit, whatever was done to it, so that a net can tell it. `out`: seen.bytes()
  /// bytes. Returns the columns that hold the recording.
  struct Part {
    int64_t begin, end;
  };
  Part see(const float* samples, Part part, const Layout& seen, uint8_t* out) const;

 private:
  const LogMel& bands(int32_t rate) const;

  FrontEnd settings_;
  mutable std::mutex mutex_;
  mutable std::map<int32_t, LogMel> bands_;
};

/// Parts that are looked at where a recording is longer than a view: evenly spaced, overlapping by half or a little
/// less. 1 for one that fits.
int64_t sound_parts(const uint8_t* kept, const Layout& seen, const FrontEnd& settings);
/// One of them as it is; a shorter recording stands in the middle of silence.
void plain_sound(const uint8_t* kept, const Layout& seen, int64_t part, const Front& front, uint8_t* out);

/// Parses a policy of steps; throws Error{usage} with the nearest names.
///
///   speed(factor=0.9..1.1)  crop(fraction=0.6..1)  shift(fraction=0.1)  gain(db=6)  noise(snr=5..30, p=0.5)
///   mix(snr=5..20, p=0.5)  reverb(p=0.3, seconds=0.1..0.4, wet=0.1..0.4)  warp(factor=0.9..1.1)  equalize(db=6,
///   points=5) mel_mask(fraction=0.2, n=1) time_mask(fraction=0.2, n=1)
///
/// mel_mask and time_mask are SpecAugment's (Park et al., Interspeech 2019, section 2), filled with the view's mean.
std::unique_ptr<Transform> make_sound_transform(const std::string& policy, std::shared_ptr<const Front> front);
ViewPolicies sound_policies(const FrontEnd& settings);

}  // namespace fewlabel
