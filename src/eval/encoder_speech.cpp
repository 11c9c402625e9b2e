#include <fmt/format.h>

#include "eval/encoder_tensors.h"

namespace fewlabel {
namespace {

/// What the parts of a block are called; the same in all of them but for the wider layer.
struct SpeechNames {
  std::string attention, norm1, wide, narrow, norm2;
};

/// Query, key and value of a block as one layer. Whisper's keys have no bias, which would change nothing.
void copy_attention(EncoderTensors& from, const TensorMap& net, const std::string& ours, const std::string& there) {
  const Tensor &matrix = net.at(ours + "qkv.weight"), &bias = net.at(ours + "qkv.bias");
  const int64_t width = matrix.size(1);
  std::vector<Tensor> matrices, biases;
  for (const char* part : {"q_proj", "k_proj", "v_proj"}) {
    matrices.push_back(from.take(there + part + ".weight", {width, width}));
    const bool none = part[0] == 'k' && !from.has(there + part + ".bias");
    biases.push_back(none ? torch::zeros({width}) : from.take(there + part + ".bias", {width}));
  }
  Tensor(matrix).copy_(torch::cat(matrices));
  Tensor(bias).copy_(torch::cat(biases));
  from.copy(net, ours + "out", there + "out_proj");
}

void copy_blocks(EncoderTensors& from, const TensorMap& net, const std::string& layers, const SpeechNames& names) {
  for (int64_t i = 0; net.contains(fmt::format("transformer.block{}_out.weight", i)); ++i) {
    const std::string ours = fmt::format("transformer.block{}_", i), there = fmt::format("{}{}.", layers, i);
    copy_attention(from, net, ours, there + names.attention);
    from.copy(net, ours + "norm1", there + names.norm1);
    from.copy(net, ours + "wide", there + names.wide);
    from.copy(net, ours + "narrow", there + names.narrow);
    from.copy(net, ours + "norm2", there + names.norm2);
  }
}

/// A convolution whose weights come as directions and, for each place of the kernel, a length (Salimans and Kingma
/// 2016, arXiv:1602.07868); under the names of older files or of newer ones.
void copy_normed_convolution(EncoderTensors& from, const TensorMap& net, const std::string& ours,
                             const std::string& there) {
  const Tensor &weight = net.at(ours + ".weight"), &bias = net.at(ours + ".bias");
  const std::string newer = there + ".parametrizations.weight.original";
  const bool is_newer = from.has(newer + "0");
  const Tensor length = from.take(is_newer ? newer + "0" : there + ".weight_g", {1, 1, weight.size(2)});
  const Tensor direction = from.take(is_newer ? newer + "1" : there + ".weight_v", weight.sizes());
  Tensor(weight).copy_(direction * (length / direction.square().sum(c10::IntArrayRef({0, 1}), true).sqrt()));
  Tensor(bias).copy_(from.take(there + ".bias", bias.sizes()));
}

}  // namespace

/// wav2vec 2.0 and HuBERT, which have one set of names.
std::vector<std::string> fill_speech_encoder(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                             const Layout&) {
  const std::string prefix = from.any("feature_extractor.") ? "" : card.architecture + ".";
  for (int64_t i = 0; net.contains(fmt::format("convolutions.{}.weight", i)); ++i) {
    const std::string ours = fmt::format("convolutions.{}", i);
    const std::string there = fmt::format("{}feature_extractor.conv_layers.{}.", prefix, i);
    const Tensor& weight = net.at(ours + ".weight");
    Tensor(weight).copy_(from.take(there + "conv.weight", weight.sizes()));
    if (net.contains(ours + ".bias")) {
      const Tensor& bias = net.at(ours + ".bias");
      Tensor(bias).copy_(from.take(there + "conv.bias", bias.sizes()));
    }
    if (net.contains(fmt::format("norms.{}.weight", i)))
      from.copy(net, fmt::format("norms.{}", i), there + "layer_norm");
    else if (i == 0)
      from.copy(net, "first_norm", there + "layer_norm");
  }
  if (net.contains("embedding_norm.weight")) from.copy(net, "embedding_norm", prefix + "feature_projection.layer_norm");
  from.copy(net, "embed", prefix + "feature_projection.projection");
  copy_normed_convolution(from, net, "places", prefix + "encoder.pos_conv_embed.conv");
  from.copy(net, net.contains("norm.weight") ? "norm" : "transformer.norm", prefix + "encoder.layer_norm");
  copy_blocks(
      from, net, prefix + "encoder.layers.",
      {"attention.", "layer_norm", "feed_forward.intermediate_dense", "feed_forward.output_dense", "final_layer_norm"});
  return from.leave_out({prefix + "masked_spec_embed", "quantizer.", "project_hid.", "project_q.", "lm_head.",
                         "projector.", "classifier.", "layer_weights"});
}

/// Whisper; what writes down what the encoder hears is left out.
std::vector<std::string> fill_whisper(EncoderTensors& from, const TensorMap& net, const EncoderCard&, const Layout&) {
  const std::string model = from.any("model.") ? "model." : "", prefix = model + "encoder.";
  from.copy(net, "conv1", prefix + "conv1");
  from.copy(net, "conv2", prefix + "conv2");
  const Tensor& place = net.at("place");
  Tensor(place).copy_(from.take(prefix + "embed_positions.weight", place.sizes()));
  copy_blocks(from, net, prefix + "layers.", {"self_attn.", "self_attn_layer_norm", "fc1", "fc2", "final_layer_norm"});
  from.copy(net, "transformer.norm", prefix + "layer_norm");
  return from.leave_out({model + "decoder.", "proj_out.", "projector.", "classifier.", "layer_weights"});
}

}  // namespace fewlabel
