#include "modalities/image/augment/policy.h"

#include <utility>
#include <vector>

#include "fewlabel/image.h"
#include "fewlabel/transform.h"

namespace fewlabel::augment {
namespace {

/// All the steps of a policy, one after the other.
class ImageTransform final : public Transform {
 public:
  explicit ImageTransform(std::vector<std::unique_ptr<Step>> steps) : steps_(std::move(steps)) {}

  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const override {
    const ImageShape shape = image_shape(layout);
    Canvas canvas(in, shape, out, scratch(0, shape.bytes()));
    for (const auto& step : steps_) step->apply(canvas, random);
    canvas.finish();
  }

 private:
  std::vector<std::unique_ptr<Step>> steps_;
};

}  // namespace

}  // namespace fewlabel::augment

namespace fewlabel {

std::unique_ptr<Transform> make_image_transform(const std::string& policy) {
  std::vector<std::unique_ptr<augment::Step>> steps;
  for (augment::Arguments& arguments : augment::parse_policy(policy)) {
    steps.push_back(augment::make_step(arguments));
    arguments.finish();
  }
  return std::make_unique<augment::ImageTransform>(std::move(steps));
}

ViewPolicies image_policies(int64_t channels) {
  const bool colour = channels == 3;
  const std::string flip = colour ? "flip+" : "", weak = flip + "crop(0.125)";
  return {weak, weak + "+randaugment(n=2)+cutout(0.5)",
          "resized_crop(0.2..1)+" + flip + "color_jitter(0.5)" + (colour ? "+grayscale(0.2)" : "")};
}

}  // namespace fewlabel
