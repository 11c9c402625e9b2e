// A modality says what the bytes of one kind of data mean. A run has one, chosen by its source; sources, stores, loader
// and methods know nothing of it. Free of libtorch.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/dataset.h"
#include "fewlabel/transform.h"

namespace fewlabel {

/// How the values of an example become a net's input: u8 channels as (value / 255 - mean) / deviation, f32 columns
/// and spectrograms as (value - mean) / deviation; i32 ids stay what they are and have neither.
struct Normalization {
  Layout layout;
  std::vector<float> mean, deviation;  // of the last size: channels, columns; of samples one
};

/// The rule by which x · deviation + mean are pixels, 0 to 1: its own for images; of a spectrogram three deviations to
/// either side of the mean.
inline Normalization pixel_scale(const Normalization& rule) {
  return rule.layout.kind == Kind::audio ? Normalization{rule.layout, {0.5F}, {1 / 6.0F}} : rule;
}

/// What two examples are compared by when near-duplicates are looked for: alike where the sketches correlate by more
/// than `alike` and, with `level` apart, mean and deviation differ by less. A deviation below `flat` shows
/// nothing that could be compared.
struct Likeness {
  int64_t size = 0;  // values of a sketch; 0: this kind has none
  double alike = 1, level = 0, flat = 0;
};

/// One example of a source and of the store that was made of it.
struct Exhibited {
  const Source& source;
  const ExampleStore& store;
  int64_t index = 0;
  std::vector<float> weights = {};  // -1 … 1 of each value: how much it speaks for what was said; empty: unknown
};

/// Immutable; all functions are thread-safe.
class Modality {
 public:
  virtual ~Modality() = default;
  virtual Kind kind() const = 0;
  /// Layout that an example has at its own size. `head`: its first bytes or all. Throws Error{data}.
  virtual Layout own_layout(const std::string& where, const Raw& head) const = 0;
  /// The layout that most examples have or, where there is no such, a middle one. From headers of at most `sample`.
  /// Throws Error{data}: none can be read.
  virtual Layout guess(const Source& source, int64_t sample = 256) const = 0;
  /// Throws Error{usage} for a layout that decode() cannot make.
  virtual void check(const Layout& layout) const = 0;
  /// What is kept of examples that a net sees in that layout: where these differ, views are made in between.
  virtual Layout kept(const Layout& seen) const { return seen; }
  /// `layout`: kept(). Writes layout.bytes() bytes. Throws Error{data} for what is damaged or over the limits.
  virtual void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const = 0;
  /// Views that show all of an example, one after another; most kinds need one.
  virtual int64_t parts(const uint8_t* kept, const Layout& seen) const;
  virtual void plain(const uint8_t* kept, const Layout& seen, int64_t part, uint8_t* out) const;
  /// How the bytes are written: "jpeg", "raw", "text".
  virtual std::string format(const Raw& raw) const = 0;
  /// Parses a policy string; throws Error{usage} with the nearest names.
  virtual std::unique_ptr<Transform> transform(const std::string& policy) const = 0;
  virtual ViewPolicies policies(const Layout& layout) const = 0;
  /// From at most `sample` evenly spaced examples of `indices`.
  virtual Normalization measure(const ExampleStore& store, const std::vector<int64_t>& indices,
                                int64_t sample = 10000) const = 0;
  /// An example for the report: {"kind": "picture", "png"}, {"kind": "text", "text"} or {"kind": "sound", "wav", "png"}
  /// (report/exhibit.h). `most`: a picture's longest side in pixels, four times as many characters of a text; 0: all.
  virtual Json show(const Exhibited& example, int32_t most = 0) const = 0;
  virtual Likeness likeness() const { return {}; }
  /// Writes likeness().size values.
  virtual void sketch(const uint8_t* example, const Layout& layout, float* out) const;
  /// Changes when the same raw bytes decode to other values: version of the decoder, hash of the vocabulary.
  virtual std::string fingerprint() const = 0;
  /// What has been fitted to the data (a vocabulary) as files of a model's folder; load_modality() reads them.
  virtual void write(const std::filesystem::path& folder) const { static_cast<void>(folder); }
};

}  // namespace fewlabel
