#include "methods/common/joint_embedding.h"

#include <fmt/format.h>

namespace fewlabel {

Needs two_views() { return {.labeled = {}, .unlabeled = {"contrast", "contrast"}, .whole_batch = true}; }

Json joint_embedding_settings(double lr) {
  return {{"optimizer", {{"name", "adamw"}, {"lr", lr}, {"weight_decay", 1e-3}, {"warmup", 0.05}}},
          {"train", {{"batch", 256}, {"average", 0.0}}}};
}

void MultiCropConfig::fields(FieldVisitor& field) {
  field("local_views", local_views, "small views beside the two large ones", 0, 16);
  field("local_scale", local_scale, "largest share of the image's area that a small view shows", 0.05, 1.0);
}

Needs MultiCropConfig::needs() const {
  Needs needs = two_views();
  needs.unlabeled.insert(needs.unlabeled.end(), static_cast<std::size_t>(local_views),
                         fmt::format("resized_crop(0.05..{})+color_jitter(0.5)", local_scale));
  return needs;
}

}  // namespace fewlabel
