// EfficientNet, its Lite forms and MobileNetV3 (timm).
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

std::vector<std::string> mobile_names() {
  std::vector<std::string> names;
  for (const char* padding : {"", "tf_"})
    for (const char* size : {"b0", "b1", "b2", "b3", "b4"})
      names.push_back(std::string(padding) + "efficientnet_" + size);
  for (const char* name : {"large_100", "small_100", "small_075", "small_050"})
    names.push_back(std::string("mobilenetv3_") + name);
  for (const char* name : {"large_100", "large_075", "small_100", "small_075"})
    names.push_back(std::string("tf_mobilenetv3_") + name);
  return names;
}

void read_mobile(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.net.name = card.architecture;
  card.net.norm = "kept";
  expect_plain_timm(card, config);
  read_preprocessing(card, config);
}

void read_efficientnet_lite(EncoderCard& card, const Json& config) {
  card.architecture = card.architecture.substr(3);  // without tf_
  read_mobile(card, config);
}

}  // namespace fewlabel
