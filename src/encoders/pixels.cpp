// How the images that an encoder was trained on were brought to numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "encoders/reading.h"

namespace fewlabel {
namespace {

constexpr double kWhite = 255;

/// Hugging Face's. Its numbers are of pixels times rescale_factor, ours of pixels from 0 to 1.
void take_processor(EncoderCard& card, const Json& processor, const char* file) {
  if (processor.value("do_normalize", Json(true)) == false)
    card.mean = {0, 0, 0}, card.deviation = {1, 1, 1};
  else
    read_pixels(card, processor, {"image_mean", "image_std"}, file);
  double factor = 1 / kWhite;
  if (processor.value("do_rescale", Json(true)) == false)
    factor = 1;
  else if (processor.contains("rescale_factor") && processor["rescale_factor"].is_number())
    factor = processor["rescale_factor"].get<double>();
  if (!(factor > 0 && factor <= 1))
    refuse_encoder(card.folder, fmt::format("{} says rescale_factor = {}", file, factor));
  const double scale = kWhite * factor;
  if (std::abs(scale - 1) < 1e-6) return;
  for (double& x : card.mean) x /= scale;
  for (double& x : card.deviation) x /= scale;
}

}  // namespace

void read_pixels(EncoderCard& card, const Json& said, const std::array<const char*, 2>& names, const char* file) {
  const auto& [mean, deviation] = names;
  card.mean = config_numbers(said.value(mean, Json()));
  card.deviation = config_numbers(said.value(deviation, Json()));
  if (card.mean.size() != 3 || card.deviation.size() != 3 ||
      std::any_of(card.deviation.begin(), card.deviation.end(), [](double x) { return !(x > 0); }))
    refuse_encoder(card.folder,
                   fmt::format("{} does not say {} and {} of the pixels that it was trained on, three numbers each",
                               file, mean, deviation));
}

void read_preprocessing(EncoderCard& card, const Json& config) {
  constexpr const char *kTrained = "pretrained_cfg", *kOfImages = "preprocessor_config.json",
                       *kOfMore = "processor_config.json";  // of a model of texts and images
  if (config.contains(kTrained)) {
    if (!config[kTrained].is_object())
      refuse_encoder(card.folder, fmt::format("config.json: {} is no JSON object", kTrained));
    read_pixels(card, config[kTrained], {"mean", "std"}, "config.json (pretrained_cfg)");
  } else if (std::filesystem::exists(card.folder / kOfImages)) {
    take_processor(card, read_encoder_json(card.folder / kOfImages), kOfImages);
  } else {
    Json processor;
    if (std::filesystem::exists(card.folder / kOfMore))
      processor = read_encoder_json(card.folder / kOfMore).value("image_processor", Json());
    if (!processor.is_object())
      refuse_encoder(
          card.folder,
          fmt::format("says nothing of the pixels it was trained on: config.json has no {}, and {} is missing",
                      kTrained, kOfImages),
          "get it again with all of its files, or save this one there with the `transformers` library: "
          "image_processor.save_pretrained");
    take_processor(card, processor, kOfMore);
  }
}

}  // namespace fewlabel
