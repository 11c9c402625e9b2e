// Steps that change the pixels of an image.
#pragma once
#include <memory>

#include "core/policy.h"
#include "modalities/image/augment/canvas.h"

namespace fewlabel::augment {

/// One step of a policy. Immutable; thread-safe.
class Step {
 public:
  virtual ~Step() = default;
  virtual void apply(Canvas& canvas, Random& random) const = 0;
};

/// The step that these arguments describe. Throws Error{usage}: an unknown name (with the nearest), a bad value.
std::unique_ptr<Step> make_step(Arguments& arguments);

}  // namespace fewlabel::augment
