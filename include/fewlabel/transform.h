// Transforms make views of examples. A policy string such as "flip+crop(0.125)+randaugment(n=2)+cutout(0.5)" describes
// one; what a view name ("weak", "strong") means is the recipe's choice. Free of libtorch.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "fewlabel/layout.h"
#include "fewlabel/random.h"

namespace fewlabel {

/// Turns one example, as it is kept, into one view. Immutable; thread-safe.
class Transform {
 public:
  virtual ~Transform() = default;
  /// `out` holds layout.bytes() bytes and `in`, which does not overlap, those of Modality::kept(layout): as a rule as
  /// many. All randomness comes from `random`.
  virtual void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const = 0;
  /// Whether a view of it has something of a second example in it; one is made by mix() then.
  virtual bool mixes() const { return false; }
  /// As apply(). `other`: another example, as it is kept.
  virtual void mix(const uint8_t* in, const uint8_t* /*other*/, const Layout& layout, uint8_t* out,
                   Random& random) const {
    apply(in, layout, out, random);
  }
};

/// Parses an image policy: steps joined by '+', each `name` or `name(value)` or `name(key=value, …)`; "none" is the
/// identity. Throws Error{usage} with the nearest names.
///
///   flip(p=0.5)  crop(fraction=0.125, pad=reflect|edge|zero)  randaugment(n=2, m=random|0..1)  cutout(fraction=0.5)
///   and every single operation of RandAugment by its name.
std::unique_ptr<Transform> make_image_transform(const std::string& policy);

/// What a recipe means by the names of its views where it does not say.
struct ViewPolicies {
  std::string weak, strong, contrast;
};
/// Colour images (three channels) are mirrored; grey ones are not: mirrored letters and digits are other signs or none
/// (docs/decisions/0006).
ViewPolicies image_policies(int64_t channels);

}  // namespace fewlabel
