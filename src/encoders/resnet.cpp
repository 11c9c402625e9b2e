// ResNet (torchvision and timm by their names, Hugging Face by its config).
#include <fmt/format.h>

#include <array>

#include "encoders/architectures.h"
#include "encoders/reading.h"
#include "encoders/stages.h"

namespace fewlabel {
namespace {

struct NamedResNet {
  const char *name, *shape;
};
constexpr std::array<NamedResNet, 6> kNamedResNets{{{"resnet18", "64-64x2-128x2-256x2-512x2-basic"},
                                                    {"resnet26", "64-256x2-512x2-1024x2-2048x2-bottleneck"},
                                                    {"resnet34", "64-64x3-128x4-256x6-512x3-basic"},
                                                    {"resnet50", "64-256x3-512x4-1024x6-2048x3-bottleneck"},
                                                    {"resnet101", "64-256x3-512x4-1024x23-2048x3-bottleneck"},
                                                    {"resnet152", "64-256x3-512x8-1024x36-2048x3-bottleneck"}}};

/// Of the convolutions of all blocks.
double resnet_weights(const Stages& plan) {
  double sum = 0, in = static_cast<double>(plan.stem);
  for (const StageSize& stage : plan.stages) {
    const auto out = static_cast<double>(stage.width), blocks = static_cast<double>(stage.blocks);
    const double narrow = out / 4;
    sum += plan.block == "basic" ? 9 * out * (in + (2 * blocks - 1) * out)
                                 : narrow * (in + (blocks - 1) * out + blocks * (9 * narrow + out));
    in = out;
  }
  return sum;
}

bool says_yes(const Json& config, const char* name) { return config.contains(name) && config[name] == true; }

Stages resnet_stages(const EncoderCard& card, const Json& config) {
  expect_word(card, config, "hidden_act", "relu");
  if (says_yes(config, "downsample_in_first_stage"))
    refuse_encoder(card.folder, "config.json says downsample_in_first_stage = true, which is not known here");
  Stages plan;
  plan.stem = config_number(card, config, {"embedding_size"}, kWidestStage);
  const std::vector<int64_t> widths = config_sizes(card, config, "hidden_sizes", kWidestStage);
  const std::vector<int64_t> blocks = config_sizes(card, config, "depths", kLongestStage, widths.size());
  if (widths.size() > kMostStages)
    refuse_encoder(card.folder,
                   fmt::format("config.json says {} stages, wanted no more than {}", widths.size(), kMostStages));
  for (std::size_t i = 0; i < widths.size(); ++i) plan.stages.push_back({widths[i], blocks[i]});
  plan.block = config_word(config, "layer_type", "bottleneck");
  if (plan.block != "basic" && plan.block != "bottleneck")
    refuse_encoder(card.folder,
                   fmt::format("config.json says layer_type = '{}': wanted basic or bottleneck", plan.block));
  if (plan.block == "bottleneck") {
    for (const int64_t width : widths)
      if (width % 4 != 0)
        refuse_encoder(
            card.folder,
            fmt::format("config.json says hidden_sizes with {}, of which a bottleneck has no quarter", width));
    if (says_yes(config, "downsample_in_bottleneck")) plan.block = "bottleneck_v1";
  }
  expect_weights(card, resnet_weights(plan));
  return plan;
}

}  // namespace

std::vector<std::string> resnet_names() {
  std::vector<std::string> names = {"resnet"};
  for (const NamedResNet& named : kNamedResNets) names.emplace_back(named.name);
  return names;
}

void read_resnet(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.net.name = "resnet";
  card.net.norm = "kept";
  card.net.stem = "imagenet";
  for (const NamedResNet& named : kNamedResNets)
    if (card.architecture == named.name) card.net.shape = named.shape;
  if (card.net.shape.empty())
    card.net.shape = resnet_stages(card, config).text();
  else
    expect_plain_timm(card, config);
  read_preprocessing(card, config);
}

}  // namespace fewlabel
