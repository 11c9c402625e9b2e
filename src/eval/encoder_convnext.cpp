#include <fmt/format.h>

#include "encoders/stages.h"
#include "eval/encoder_tensors.h"

namespace fewlabel {
namespace {

/// What the parts are called; the place of a stage or block comes before.
struct ConvNextNames {
  std::string stem, stem_norm, stage, down, block, conv, norm, wide, narrow, scale, response, last;
};
ConvNextNames parts_of_convnext(bool hugging_face, const std::string& prefix) {
  if (!hugging_face)
    return {"stem.0", "stem.1",  "stages.", "downsample.", "blocks.",  "conv_dw",
            "norm",   "mlp.fc1", "mlp.fc2", "gamma",       "mlp.grn.", "head.norm"};
  return {prefix + "embeddings.patch_embeddings",
          prefix + "embeddings.layernorm",
          prefix + "encoder.stages.",
          "downsampling_layer.",
          "layers.",
          "dwconv",
          "layernorm",
          "pwconv1",
          "pwconv2",
          "layer_scale_parameter",
          "grn.",
          prefix + "layernorm"};
}

}  // namespace

/// ConvNeXt (arXiv:2201.03545) and ConvNeXt V2 (arXiv:2301.00808) as timm calls their parts, or as Hugging Face does.
/// The layers of a block are matrices or 1 × 1 convolutions, which is the same.
std::vector<std::string> fill_convnext(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                       const Layout&) {
  const bool hugging_face = card.architecture == "convnext" || card.architecture == "convnextv2";
  const std::string prefix = from.any(card.architecture + ".") ? card.architecture + "." : "";
  const ConvNextNames names = parts_of_convnext(hugging_face, prefix);
  from.copy_layer(net, "stem", names.stem);
  from.copy_layer(net, "stem_norm", names.stem_norm);
  const Stages plan = Stages::parse(card.net.shape);
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const std::string stage = fmt::format("{}{}.", names.stage, s);
    from.copy_layer(net, fmt::format("stage{}_norm", s), stage + names.down + "0");
    from.copy_layer(net, fmt::format("stage{}_down", s), stage + names.down + "1");
    for (int64_t i = 0; i < plan.stages[s].blocks; ++i) {
      const std::string ours = fmt::format("stage{}.{}.", s, i), theirs = fmt::format("{}{}{}.", stage, names.block, i);
      from.copy_layer(net, ours + "conv_dw", theirs + names.conv);
      from.copy_layer(net, ours + "norm", theirs + names.norm);
      for (const auto& [layer, name] : {std::pair{"fc1", names.wide}, {"fc2", names.narrow}}) {
        from.copy_flat(net.at(ours + layer + ".weight"), theirs + name + ".weight");
        from.copy_tensor(net.at(ours + layer + ".bias"), theirs + name + ".bias");
      }
      if (plan.block == "scaled") from.copy_tensor(net.at(ours + "gamma"), theirs + names.scale);
      if (plan.block != "grn") continue;
      from.copy_flat(net.at(ours + "grn_weight"), theirs + names.response + "weight");
      from.copy_flat(net.at(ours + "grn_bias"), theirs + names.response + "bias");
    }
  }
  from.copy_layer(net, "norm", names.last);
  return from.leave_out({"head.fc.", "classifier."});
}

}  // namespace fewlabel
