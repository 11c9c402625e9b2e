// The list of nets, and what is done to every one of them after it is built.
#include <fmt/format.h>

#include <algorithm>

#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

constexpr int32_t kSmallestSide = 8;

struct Entry {
  const char* name;
  Net (*make)(const NetSpec&);
  double bn_momentum;  // where the config leaves it open
  bool image = true, text = false, table = false, sound = false;
  bool samples = false;  // of a recording, where others see its spectrogram
  bool by_name = true;   // made from its name alone
  /// A spectrogram is a picture to a net.
  bool takes(Kind kind) const {
    switch (kind) {
      case Kind::image:
        return image;
      case Kind::text:
        return text;
      case Kind::table:
        return table;
      case Kind::audio:
        break;
    }
    return image || sound;
  }
};
/// Of images, made as an encoder's folder says.
constexpr Entry of_encoders(const char* name, Net (*make)(const NetSpec&)) {
  return {name, make, 0.1, true, false, false, false, false, /*by_name=*/false};
}
constexpr Entry kNets[] = {{"linear", make_linear, 0.1, true, false, true},
                           {"mlp", make_mlp, 0.1, true, false, true},
                           {"ladder_mlp", make_ladder_mlp, 0.1},
                           {"seed_cnn", make_seed_cnn, 0.1},
                           {"cnn", make_cnn, 0.1},
                           {"wrn", make_wrn, 0.001},
                           {"resnet18", make_resnet18, 0.1},
                           {"resnet34", make_resnet34, 0.1},
                           {"resnet50", make_resnet50, 0.1},
                           {"efficientnet_lite0", make_efficientnet_lite0, 0.1},
                           {"efficientnet_lite1", make_efficientnet_lite1, 0.1},
                           {"efficientnet_lite2", make_efficientnet_lite2, 0.1},
                           {"vit", make_vit, 0.1},
                           {"bag", make_bag, 0.1, false, true},
                           {"text_cnn", make_text_cnn, 0.1, false, true},
                           {"bert", make_bert, 0.1, false, true},
                           {"mpnet", make_bert, 0.1, false, true, false, false, false, false},
                           {"tc_resnet", make_tc_resnet, 0.1, false, false, false, true},
                           {"wav2vec2", make_wav2vec2, 0.1, false, false, false, true, true},
                           {"onnx", make_graph_net, 0.1, true, true, false, true, true, false},
                           {"speech_encoder", make_speech_encoder, 0.1, false, false, false, true, true, false},
                           {"whisper", make_whisper, 0.1, false, false, false, true, true, false},
                           of_encoders("vision_transformer", make_vision_transformer),
                           of_encoders("resnet", make_resnet),
                           of_encoders("convnext", make_convnext),
                           of_encoders("efficientnet_b0", make_mobile_net),
                           of_encoders("efficientnet_b1", make_mobile_net),
                           of_encoders("efficientnet_b2", make_mobile_net),
                           of_encoders("efficientnet_b3", make_mobile_net),
                           of_encoders("efficientnet_b4", make_mobile_net),
                           of_encoders("mobilenetv3_large_100", make_mobile_net),
                           of_encoders("mobilenetv3_small_100", make_mobile_net),
                           of_encoders("mobilenetv3_small_075", make_mobile_net),
                           of_encoders("mobilenetv3_small_050", make_mobile_net),
                           of_encoders("tf_efficientnet_b0", make_mobile_net),
                           of_encoders("tf_efficientnet_b1", make_mobile_net),
                           of_encoders("tf_efficientnet_b2", make_mobile_net),
                           of_encoders("tf_efficientnet_b3", make_mobile_net),
                           of_encoders("tf_efficientnet_b4", make_mobile_net),
                           of_encoders("tf_mobilenetv3_large_100", make_mobile_net),
                           of_encoders("tf_mobilenetv3_large_075", make_mobile_net),
                           of_encoders("tf_mobilenetv3_small_100", make_mobile_net),
                           of_encoders("tf_mobilenetv3_small_075", make_mobile_net)};

/// wrn_28_2 → name wrn, depth 28, width 2; vit_tiny → name vit, size tiny, bert_mini and wav2vec2_base likewise;
/// anything else is left alone.
NetConfig expanded(NetConfig config) {
  if (!config.name) config.name = "cnn";
  const auto parts = split_text(*config.name, '_');
  if (parts.size() == 2 && (parts[0] == "vit" || parts[0] == "bert" || parts[0] == "wav2vec2")) {
    config.name = parts[0];
    config.size = parts[1];
    return config;
  }
  if (parts.size() != 3 || parts[0] != "wrn") return config;
  const auto depth = whole_number(parts[1]), width = whole_number(parts[2]);
  if (!depth || !width || *depth > 100 || *width < 1 || *width > 16) return config;
  config.name = "wrn";
  config.depth = *depth;
  config.width = *width;
  return config;
}

void check_layout(const Entry& entry, const Layout& layout) {
  if (!entry.takes(layout.kind))
    throw Error(ErrorKind::usage, "net",
                fmt::format("{} does not learn from {}s", entry.name, word_for_one(layout.kind)),
                "choose one that does: " + join(net_names(layout.kind), ", "));
  if (layout.kind == Kind::audio && entry.samples && is_picture(layout))
    throw Error(ErrorKind::usage, "net", fmt::format("{} learns from samples, not from spectrograms", entry.name),
                "show it samples: data.mels=0");
  if (layout.kind == Kind::audio && !entry.samples && !is_picture(layout))
    throw Error(ErrorKind::usage, "net",
                fmt::format("{} learns from spectrograms, and data.mels = 0 makes none", entry.name),
                "leave data.mels out, or choose a net that learns from samples: net=wav2vec2");
  if (!is_picture(layout)) {
    if (layout.values() < 1) throw Error(ErrorKind::usage, "net", "an example has no values");
    if (layout.kind == Kind::text && layout.vocabulary <= kSpecialTokens)
      throw Error(ErrorKind::usage, "net", fmt::format("a vocabulary of {} has no words", layout.vocabulary));
    return;
  }
  const ImageShape shape = image_shape(layout);
  if (std::min(shape.height, shape.width) < kSmallestSide)
    throw Error(
        ErrorKind::usage, "net",
        fmt::format("{}s of {} x {} {} are too small for {}: wanted at least {} x {}", word_for_one(layout.kind),
                    shape.width, shape.height, layout.kind == Kind::image ? "pixels" : "frames and bands", entry.name,
                    kSmallestSide, kSmallestSide),
        layout.kind == Kind::image ? fmt::format("resize them: data.size={}", kSmallestSide)
                                   : "show longer parts: data.seconds=1");
  if (shape.channels < 1)
    throw Error(ErrorKind::usage, "net", fmt::format("{} channels: wanted at least one", shape.channels));
}

/// All but the weights.
Net built(const NetConfig& config, const Layout& layout, int64_t classes, uint64_t seed) {
  NetSpec spec{expanded(config), layout, {}, classes, seed, 0.0};
  const auto* entry = std::find_if(std::begin(kNets), std::end(kNets),
                                   [&](const Entry& candidate) { return candidate.name == *spec.config.name; });
  if (entry == std::end(kNets))
    throw Error(ErrorKind::usage, "net", fmt::format("there is no net '{}'", *spec.config.name),
                suggestion(*spec.config.name, net_names()));
  check_layout(*entry, layout);
  if (classes < 0) throw Error(ErrorKind::usage, "net", fmt::format("{} classes: wanted none or more", classes));
  if (is_picture(layout)) spec.shape = image_shape(layout);
  spec.bn_momentum = config.bn_momentum.value_or(entry->bn_momentum);

  Net net = entry->make(spec);
  net->set_blueprint({config, layout, classes});
  if (config.norm == "kept") net->keep_statistics();
  channels_last(*net);
  return net;
}

}  // namespace

void NetModule::keep_statistics() {
  keeps_statistics_ = true;
  train(is_training());
}

void NetModule::train(bool on) {
  torch::nn::Module::train(on);
  if (!keeps_statistics_) return;
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* norm = module->as<torch::nn::BatchNorm2d>()) norm->eval();
}

std::vector<std::string> net_names() {
  std::vector<std::string> names;
  for (const auto& entry : kNets)
    if (entry.by_name) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> net_names(Kind kind) {
  std::vector<std::string> names;
  for (const auto& entry : kNets)
    if (entry.takes(kind) && entry.by_name) names.emplace_back(entry.name);
  return names;
}

Net make_net(const NetConfig& config, const Layout& layout, int64_t classes, uint64_t seed) {
  Net net = built(config, layout, classes, seed);
  initialise(*net, seed);
  return net;
}

Net frozen_copy(NetModule& net) {
  const NetBlueprint& blueprint = net.blueprint();
  Net copy = built(blueprint.config, blueprint.layout, blueprint.classes, 0);
  const torch::NoGradGuard no_grad;
  const auto from = net.named_parameters(), from_buffers = net.named_buffers();
  for (auto& item : copy->named_parameters()) {
    item.value().copy_(from[item.key()]);
    item.value().set_requires_grad(false);
  }
  for (auto& item : copy->named_buffers()) item.value().copy_(from_buffers[item.key()]);
  copy->train(net.is_training());
  return copy;
}

}  // namespace fewlabel
