// EfficientNet-Lite (timm).
#include <algorithm>

#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

void read_efficientnet(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.architecture = card.architecture.substr(3);  // without tf_
  card.net.name = card.architecture;
  const Json trained = config.value("pretrained_cfg", Json::object());
  card.mean = config_numbers(trained.value("mean", Json()));
  card.deviation = config_numbers(trained.value("std", Json()));
  if (card.mean.size() != 3 || card.deviation.size() != 3 ||
      std::any_of(card.deviation.begin(), card.deviation.end(), [](double x) { return !(x > 0); }))
    refuse_encoder(card.folder,
                   "config.json does not say mean and std of the pixels it was trained on (pretrained_cfg)");
}

}  // namespace fewlabel
