#include <fmt/format.h>

#include <algorithm>

#include "core/vision_shape.h"
#include "eval/encoder_tensors.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// What the parts of a vision transformer are called.
struct VisionNames {
  std::string prefix;                   // of all of them
  std::string patch, places;            // of the patches, and of class and distillation token in front
  std::vector<std::string> tokens;      // that have a place, in their order
  std::string registers;                // that have none; empty: there are none
  std::string first_norm, norm, block;  // block: before the number
  std::vector<std::string> attention;   // query, key and value, or all in one
  std::string out, norm1, norm2, wide, narrow, scale1, scale2;
  std::vector<std::string> left;  // beginnings of what is not needed
};

VisionNames names_in_timm(const VisionShape& shape) {
  VisionNames names{.prefix = "",
                    .patch = "patch_embed.proj",
                    .places = "pos_embed",
                    .tokens = {"cls_token"},
                    .registers = {},
                    .first_norm = {},
                    .norm = "norm",
                    .block = "blocks.",
                    .attention = {"attn.qkv"},
                    .out = "attn.proj",
                    .norm1 = "norm1",
                    .norm2 = "norm2",
                    .wide = "mlp.fc1",
                    .narrow = "mlp.fc2",
                    .scale1 = "ls1.gamma",
                    .scale2 = "ls2.gamma",
                    .left = {"head.", "head_dist."}};
  if (shape.features == "distilled")
    names.tokens.emplace_back("dist_token");
  else if (shape.tokens > 1)
    names.registers = "reg_token";
  return names;
}

/// ViT, DeiT and DINOv2 of Hugging Face.
VisionNames names_in_vit(const EncoderTensors& from, const EncoderCard& card, const VisionShape& shape) {
  const bool dino = card.architecture.starts_with("dinov2"), gated = shape.activation == "swiglu";
  VisionNames names{.prefix = from.any("embeddings.") ? "" : card.architecture + ".",
                    .patch = "embeddings.patch_embeddings.projection",
                    .places = "embeddings.position_embeddings",
                    .tokens = {"embeddings.cls_token"},
                    .registers = {},
                    .first_norm = {},
                    .norm = "layernorm",
                    .block = "encoder.layer.",
                    .attention = {"attention.attention.query", "attention.attention.key", "attention.attention.value"},
                    .out = "attention.output.dense",
                    .norm1 = dino ? "norm1" : "layernorm_before",
                    .norm2 = dino ? "norm2" : "layernorm_after",
                    .wide = gated  ? "mlp.weights_in"
                            : dino ? "mlp.fc1"
                                   : "intermediate.dense",
                    .narrow = gated  ? "mlp.weights_out"
                              : dino ? "mlp.fc2"
                                     : "output.dense",
                    .scale1 = "layer_scale1.lambda1",
                    .scale2 = "layer_scale2.lambda1",
                    .left = {}};
  if (shape.features == "distilled")
    names.tokens.emplace_back("embeddings.distillation_token");
  else if (shape.tokens > 1)
    names.registers = "embeddings.register_tokens";
  names.left = {names.prefix + "pooler.",
                names.prefix + "embeddings.mask_token",
                "classifier.",
                "cls_classifier.",
                "distillation_classifier.",
                "decoder."};
  return names;
}

/// The towers for images of CLIP and SigLIP.
VisionNames names_in_clip(const EncoderTensors& from, const VisionShape& shape) {
  VisionNames names{.prefix = from.any("vision_model.") ? "vision_model." : "",
                    .patch = "embeddings.patch_embedding",
                    .places = "embeddings.position_embedding.weight",
                    .tokens = {},
                    .registers = {},
                    .first_norm = shape.norm_first ? "pre_layrnorm" : "",  // sic
                    .norm = "post_layernorm",
                    .block = "encoder.layers.",
                    .attention = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                    .out = "self_attn.out_proj",
                    .norm1 = "layer_norm1",
                    .norm2 = "layer_norm2",
                    .wide = "mlp.fc1",
                    .narrow = "mlp.fc2",
                    .scale1 = {},
                    .scale2 = {},
                    .left = {}};
  if (shape.tokens == 1) names.tokens.emplace_back("embeddings.class_embedding");
  names.left = {"text_model.",
                "text_projection.",
                "visual_projection.",
                "logit_scale",
                "logit_bias",
                "classifier.",
                names.prefix + "embeddings.position_ids"};
  return names;
}

/// An architecture of timm's is called by its size, too; of Hugging Face's, one has more than a word.
bool is_timm(const EncoderCard& card) { return card.architecture.find("_patch") != std::string::npos; }

/// Any tensor of that many numbers, in front of which or not there are dimensions of 1.
Tensor take_rows(EncoderTensors& from, const std::string& name, int64_t rows, int64_t width) {
  std::vector<int64_t> wanted = {rows, width};
  const std::size_t dimensions = from.sizes(name).size();
  if (dimensions == 1 && rows == 1) wanted = {width};
  if (dimensions == 3) wanted = {1, rows, width};
  return from.take(name, wanted).view({rows, width});
}

/// Learnt places of another grid of patches, in the way that the family does it (bicubic).
Tensor on_grid(const Tensor& places, int64_t side, int64_t rows, int64_t columns, bool smoothed) {
  if (rows == side && columns == side) return places;
  const Tensor map = places.view({1, side, side, -1}).permute({0, 3, 1, 2}).contiguous();
  const std::vector<int64_t> size = {rows, columns};
  const Tensor other =
      smoothed ? at::_upsample_bicubic2d_aa(map, size, false) : at::upsample_bicubic2d(map, size, false);
  return other.permute({0, 2, 3, 1}).reshape({rows * columns, -1});
}

/// The rows in front of those of the patches, and what is added to the patches.
void fill_tokens(EncoderTensors& from, const TensorMap& net, const VisionNames& names, const VisionShape& shape,
                 const EncoderCard& card, const Layout& layout) {
  const int64_t rows = layout.sizes.at(0) / shape.patch, columns = layout.sizes.at(1) / shape.patch;
  const std::string at = names.prefix + names.places;
  const auto named = static_cast<int64_t>(names.tokens.size());
  const int64_t patches = shape.grid() * shape.grid();
  // Some of timm's give no place to the tokens in front.
  const c10::IntArrayRef found = from.sizes(at);
  const bool bare = is_timm(card) && found.size() == 3 && found[1] == patches;
  const Tensor places = take_rows(from, at, patches + (bare ? 0 : named), shape.width);
  std::vector<Tensor> front;
  for (int64_t i = 0; i < named; ++i) {
    const Tensor token = take_rows(from, names.prefix + names.tokens[static_cast<std::size_t>(i)], 1, shape.width);
    front.push_back(bare ? token : token + places.slice(0, i, i + 1));
  }
  if (!names.registers.empty())
    front.push_back(take_rows(from, names.prefix + names.registers, shape.tokens - named, shape.width));
  if (!front.empty()) Tensor(net.at("token.weight")).copy_(torch::cat(front));
  const bool smoothed = is_timm(card) || card.architecture == "dinov2_with_registers";
  Tensor(net.at("place.weight"))
      .copy_(on_grid(bare ? places : places.slice(0, named), shape.grid(), rows, columns, smoothed));
}

/// One query for all images, which looks at the last tokens (SigLIP).
void fill_pooling(EncoderTensors& from, const TensorMap& net, const std::string& at, int64_t width) {
  Tensor(net.at("pooling.query")).copy_(take_rows(from, at + "probe", 1, width));
  Tensor(net.at("pooling.qkv.weight")).copy_(from.take(at + "attention.in_proj_weight", {3 * width, width}));
  Tensor(net.at("pooling.qkv.bias")).copy_(from.take(at + "attention.in_proj_bias", {3 * width}));
  from.copy(net, "pooling.out", at + "attention.out_proj");
  from.copy(net, "pooling.norm", at + "layernorm");
  from.copy(net, "pooling.wide", at + "mlp.fc1");
  from.copy(net, "pooling.narrow", at + "mlp.fc2");
}

void fill_block(EncoderTensors& from, const TensorMap& net, const VisionNames& names, const std::string& ours,
                const std::string& there, const VisionShape& shape) {
  std::vector<std::string> attention;
  for (const std::string& name : names.attention) attention.push_back(there + name);
  from.copy_joined(net, ours + "qkv", attention);
  from.copy(net, ours + "out", there + names.out);
  from.copy(net, ours + "norm1", there + names.norm1);
  from.copy(net, ours + "norm2", there + names.norm2);
  from.copy(net, ours + "wide", there + names.wide);
  from.copy(net, ours + "narrow", there + names.narrow);
  if (!shape.layer_scale) return;
  Tensor(net.at(ours + "scale1")).copy_(from.take(there + names.scale1, {shape.width}));
  Tensor(net.at(ours + "scale2")).copy_(from.take(there + names.scale2, {shape.width}));
}

}  // namespace

/// One net under three sets of names. The places of tokens in front of the patches are added to these, and those of the
/// patches are brought to the grid of the images at hand. CLIP's features are those before its projection, from which
/// its authors measured linear probes (appendix A.3).
std::vector<std::string> fill_vision_transformer(EncoderTensors& from, const TensorMap& net, const EncoderCard& card,
                                                 const Layout& layout) {
  const VisionShape shape = vision_shape(card.net.shape).value();
  const bool tower = card.architecture.starts_with("clip") || card.architecture.starts_with("siglip");
  const VisionNames names = is_timm(card) ? names_in_timm(shape)
                            : tower       ? names_in_clip(from, shape)
                                          : names_in_vit(from, card, shape);
  const Tensor& patch = net.at("patch.weight");
  Tensor(patch).copy_(
      from.take(names.prefix + names.patch + ".weight", {shape.width, layout.sizes.at(2), shape.patch, shape.patch})
          .flatten(1));
  // CLIP's has no bias, since a layer norm follows.
  if (!shape.norm_first)
    Tensor(net.at("patch.bias")).copy_(from.take(names.prefix + names.patch + ".bias", {shape.width}));
  fill_tokens(from, net, names, shape, card, layout);
  if (shape.norm_first) from.copy(net, "first_norm", names.prefix + names.first_norm);
  for (int64_t i = 0; i < shape.blocks; ++i)
    fill_block(from, net, names, fmt::format("block{}_", i), fmt::format("{}{}{}.", names.prefix, names.block, i),
               shape);
  from.copy(net, "norm", names.prefix + names.norm);
  if (shape.features == "attention") fill_pooling(from, net, names.prefix + "head.", shape.width);
  std::vector<std::string> left = from.leave_out(names.left);
  // What a person should know of first.
  std::stable_partition(left.begin(), left.end(),
                        [](const std::string& name) { return name.starts_with("text_model."); });
  return left;
}

}  // namespace fewlabel
