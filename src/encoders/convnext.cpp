// ConvNeXt and ConvNeXt V2 (timm by their names, Hugging Face by their config).
#include <fmt/format.h>

#include <array>

#include "encoders/architectures.h"
#include "encoders/reading.h"
#include "encoders/stages.h"

namespace fewlabel {
namespace {

struct NamedConvNext {
  const char* size;
  int64_t width;
  std::array<int64_t, 4> blocks;
};
constexpr std::array<NamedConvNext, 10> kNamedConvNexts{{{"atto", 40, {2, 2, 6, 2}},
                                                         {"femto", 48, {2, 2, 6, 2}},
                                                         {"pico", 64, {2, 2, 6, 2}},
                                                         {"nano", 80, {2, 2, 8, 2}},
                                                         {"tiny", 96, {3, 3, 9, 3}},
                                                         {"small", 96, {3, 3, 27, 3}},
                                                         {"base", 128, {3, 3, 27, 3}},
                                                         {"large", 192, {3, 3, 27, 3}},
                                                         {"xlarge", 256, {3, 3, 27, 3}},
                                                         {"huge", 352, {3, 3, 27, 3}}}};
constexpr double kTimmEps = 1e-6;

/// Of the blocks' layers.
double convnext_weights(const Stages& plan) {
  double sum = 0;
  for (const StageSize& stage : plan.stages) {
    const auto width = static_cast<double>(stage.width);
    sum += static_cast<double>(stage.blocks) * 8 * width * width;
  }
  return sum;
}

Stages convnext_stages(EncoderCard& card, const Json& config) {
  expect_word(card, config, "hidden_act", "gelu");
  if (config_number(card, config, {"patch_size"}, 64) != 4)
    refuse_encoder(card.folder, fmt::format("config.json says patch_size = {}, and only 4 is known here",
                                            config["patch_size"].dump()));
  Stages plan;
  const std::vector<int64_t> widths = config_sizes(card, config, "hidden_sizes", kWidestStage);
  const std::vector<int64_t> blocks = config_sizes(card, config, "depths", kLongestStage, widths.size());
  if (widths.size() > kMostStages)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} stages, wanted no more than {}", widths.size(), kMostStages));
  plan.stem = widths.front();
  for (std::size_t i = 0; i < widths.size(); ++i) plan.stages.push_back({widths[i], blocks[i]});
  const Json scale = config.value("layer_scale_init_value", Json(1e-6));
  const bool scaled = scale.is_number() && scale.get<double>() > 0;
  plan.block = card.architecture == "convnextv2" ? "grn" : scaled ? "scaled" : "plain";
  card.net.eps = config_eps(card, config, 1e-12);
  expect_weights(card, convnext_weights(plan));
  return plan;
}

}  // namespace

std::vector<std::string> convnext_names() {
  std::vector<std::string> names = {"convnext", "convnextv2"};
  for (const NamedConvNext& named : kNamedConvNexts)
    for (const char* family : {"convnext_", "convnextv2_"}) names.push_back(std::string(family) + named.size);
  return names;
}

void read_convnext(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.net.name = "convnext";
  const std::size_t family = card.architecture.find('_');
  if (family == std::string::npos) {
    card.net.shape = convnext_stages(card, config).text();
  } else {
    expect_plain_timm(card, config);
    card.net.eps = kTimmEps;
    Stages plan;
    plan.block = card.architecture.starts_with("convnextv2") ? "grn" : "scaled";
    for (const NamedConvNext& named : kNamedConvNexts)
      if (card.architecture.substr(family + 1) == named.size) {
        plan.stem = named.width;
        for (std::size_t i = 0; i < named.blocks.size(); ++i)
          plan.stages.push_back({named.width << i, named.blocks[i]});
      }
    card.net.shape = plan.text();
  }
  read_preprocessing(card, config);
}

}  // namespace fewlabel
