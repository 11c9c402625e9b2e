// EfficientNet-Lite (timm).
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

void read_efficientnet(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.architecture = card.architecture.substr(3);  // without tf_
  card.net.name = card.architecture;
  read_timm_pixels(card, config);
}

}  // namespace fewlabel
