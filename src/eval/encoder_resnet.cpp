#include <fmt/format.h>

#include "encoders/stages.h"
#include "eval/encoder_tensors.h"

namespace fewlabel {
/// ResNet (arXiv:1512.03385) as torchvision and timm call its parts, or as Hugging Face does.
std::vector<std::string> fill_resnet(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                     const Layout&) {
  const bool hugging_face = card.architecture == "resnet";
  const std::string prefix = from.any("resnet.") ? "resnet." : "";
  from.copy_layer(net, "stem", hugging_face ? prefix + "embedder.embedder.convolution" : "conv1");
  from.copy_layer(net, "stem_bn", hugging_face ? prefix + "embedder.embedder.normalization" : "bn1");
  const Stages plan = Stages::parse(card.net.shape);
  int64_t block = 0;
  for (std::size_t s = 0; s < plan.stages.size(); ++s)
    for (int64_t i = 0; i < plan.stages[s].blocks; ++i, ++block) {
      const std::string ours = fmt::format("blocks.{}.", block);
      const std::string theirs = hugging_face ? fmt::format("{}encoder.stages.{}.layers.{}.", prefix, s, i)
                                              : fmt::format("layer{}.{}.", s + 1, i);
      for (int64_t k = 1; net.contains(fmt::format("{}conv{}.weight", ours, k)); ++k) {
        const std::string conv = hugging_face ? fmt::format("layer.{}.convolution", k - 1) : fmt::format("conv{}", k);
        const std::string norm = hugging_face ? fmt::format("layer.{}.normalization", k - 1) : fmt::format("bn{}", k);
        from.copy_layer(net, fmt::format("{}conv{}", ours, k), theirs + conv);
        from.copy_layer(net, fmt::format("{}bn{}", ours, k), theirs + norm);
      }
      from.copy_layer(net, ours + "shortcut", theirs + (hugging_face ? "shortcut.convolution" : "downsample.0"));
      from.copy_layer(net, ours + "shortcut_bn", theirs + (hugging_face ? "shortcut.normalization" : "downsample.1"));
    }
  return from.leave_out({"fc.", "classifier."});
}

}  // namespace fewlabel
