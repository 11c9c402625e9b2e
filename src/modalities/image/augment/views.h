// Steps that make the views of joint-embedding methods (SimCLR, Chen et al., ICML 2020, appendix A; BYOL, Grill et al.,
// NeurIPS 2020, appendix B).
#pragma once
#include "modalities/image/augment/policy.h"

namespace fewlabel::augment {

/// resized_crop(scale=0.08..1, ratio=0.75..1.3333): a random part of the area, enlarged to the whole.
std::unique_ptr<Step> resized_crop(Arguments& arguments);
/// color_jitter(strength=1, p=0.8): brightness, contrast and saturation by ±80 %, hue by ±20 %, times strength, in
/// random order. Grey images: the first two alone.
std::unique_ptr<Step> color_jitter(Arguments& arguments);
/// grayscale(p=0.2)
std::unique_ptr<Step> grayscale(Arguments& arguments);
/// blur(p=0.5, sigma=0.1..2): Gaussian, cut off at three sigma.
std::unique_ptr<Step> blur(Arguments& arguments);

}  // namespace fewlabel::augment
