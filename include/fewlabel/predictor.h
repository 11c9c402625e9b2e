// A trained model, loaded from the model/ folder of a run: classify images without the training code.
// Immutable after loading, but one call at a time. Works on a GPU where libtorch and the machine have one.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/dataset.h"

namespace fewlabel {

class Predictor {
 public:
  /// `path` is a run folder or its model/ folder. Throws Error{storage}: missing or damaged files, named.
  explicit Predictor(const std::string& path);
  ~Predictor();

  const std::vector<std::string>& classes() const;
  ImageShape shape() const;  // images of any other size are resized to it
  const Json& meta() const;  // meta.json: classes, preprocessing, net

  /// Class probabilities of each image, in the order of classes(); each sums to 1.
  std::vector<std::vector<float>> predict(const std::vector<Image>& images) const;
  /// The same for pixels that already have shape(), image after image.
  std::vector<std::vector<float>> predict(const uint8_t* pixels, int64_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fewlabel
