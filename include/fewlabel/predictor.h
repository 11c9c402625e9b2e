// A trained model, loaded from the model/ folder of a run: classify examples without the training code.
// Immutable after loading, but one call at a time. Works on a GPU where libtorch and the machine have one.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/image.h"
#include "fewlabel/modality.h"

namespace fewlabel {

/// What a model heard in a recording.
struct Transcript {
  std::string text;        // UTF-8
  double probability = 0;  // that the search claims for it
};

class Predictor {
 public:
  /// `path` is a run folder or its model/ folder. Throws Error{storage}: missing or damaged files, named.
  explicit Predictor(const std::string& path);
  ~Predictor();

  const std::vector<std::string>& classes() const;
  const Layout& layout() const;  // that examples are brought into
  const Modality& modality() const;
  /// Whether the model writes down what it hears: then transcribe() answers instead of predict(), and classes() are the
  /// characters that it knows.
  bool transcribes() const;
  /// Examples as the last predict() takes them, by prefix search. Throws Error{usage} where the model is of classes.
  std::vector<Transcript> transcribe(const uint8_t* examples, int64_t count) const;
  const Json& meta() const;  // meta.json: classes, preprocessing, net

  /// Class probabilities of each image (throws Error{usage} where the model is none of images), in the order of
  /// classes(); each sums to 1.
  std::vector<std::vector<float>> predict(const std::vector<Image>& images) const;
  /// The same for examples as a source gives them (fewlabel/dataset.h), of whatever kind. Throws Error{data}: a damaged
  /// one.
  std::vector<std::vector<float>> predict(const std::vector<Raw>& examples) const;
  /// The same for examples that modality() has decoded into its kept(layout()), which for most kinds is layout()
  /// itself, one after another.
  std::vector<std::vector<float>> predict(const uint8_t* examples, int64_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewlabel
