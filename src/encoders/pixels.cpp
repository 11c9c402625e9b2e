// How the images that an encoder was trained on were brought to numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "encoders/reading.h"

namespace fewlabel {
namespace {

constexpr double kWhite = 255;

/// Three numbers, those of a deviation not 0.
void take_pixels(EncoderCard& card, const Json& mean, const Json& deviation, const std::string& file) {
  card.mean = config_numbers(mean);
  card.deviation = config_numbers(deviation);
  if (card.mean.size() != 3 || card.deviation.size() != 3 ||
      std::any_of(card.deviation.begin(), card.deviation.end(), [](double x) { return !(x > 0); }))
    refuse_encoder(card.folder, fmt::format("{} does not say mean and std of the pixels it was trained on", file));
}

}  // namespace

void read_timm_pixels(EncoderCard& card, const Json& config) {
  const Json trained = config.value("pretrained_cfg", Json::object());
  if (!trained.is_object()) refuse_encoder(card.folder, "config.json: pretrained_cfg is no JSON object");
  take_pixels(card, trained.value("mean", Json()), trained.value("std", Json()), "config.json (pretrained_cfg)");
}

void read_processor_pixels(EncoderCard& card) {
  std::string file = "preprocessor_config.json";
  Json processor;
  if (std::filesystem::exists(card.folder / file)) {
    processor = read_encoder_json(card.folder / file);
  } else if (std::filesystem::exists(card.folder / "processor_config.json")) {  // of a model of texts and images
    file = "processor_config.json";
    processor = read_encoder_json(card.folder / file).value("image_processor", Json());
  }
  if (!processor.is_object())
    refuse_encoder(card.folder, "preprocessor_config.json is missing",
                   "save it there with the `transformers` library: image_processor.save_pretrained");
  if (processor.value("do_normalize", Json(true)) == false)
    card.mean = {0, 0, 0}, card.deviation = {1, 1, 1};
  else
    take_pixels(card, processor.value("image_mean", Json()), processor.value("image_std", Json()), file);
  // Ours are from 0 to 1 before the mean is taken off.
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

}  // namespace fewlabel
