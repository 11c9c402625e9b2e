#include "methods/common/coding.h"

#include <algorithm>

namespace fewlabel {
namespace {

constexpr int64_t kConvWidth = 16;

/// Hinton and Salakhutdinov's shape, 784-128-64-8, in proportion.
int64_t width_for(const ImageShape& shape) { return std::clamp<int64_t>(shape.bytes() * 128 / 784, 64, 1024); }

}  // namespace

void CodingConfig::fields(FieldVisitor& field) {
  field("architecture", architecture, "dense layers of the method's own, or the net and a convolutional decoder",
        {"dense", "conv"});
  field("code", code, "numbers that an image becomes", 1, 4096);
  field("width", width, "dense: widest layer; conv: channels of the decoder beside the image; 0: by the image's size",
        0, 4096);
  field("loss", loss, "how reconstructions are judged", {"squared_error", "cross_entropy", "gaussian"});
  field("view", view, "view of the images", {"none", "weak"});
}

Coding make_coding(const CodingConfig& config, const Task& task, Net net, int64_t outputs) {
  CoderSpec spec{
      .shape = task.shape(), .code = config.code, .width = config.width, .seed = task.seed, .mean = task.mean};
  CoderSpec encoder = spec;
  encoder.code = outputs;
  if (config.architecture == "conv") {
    if (spec.width == 0) spec.width = kConvWidth;
    return {make_net_encoder(std::move(net), encoder), make_conv_decoder(spec)};
  }
  if (spec.width == 0) spec.width = encoder.width = width_for(task.shape());
  return {make_dense_encoder(encoder), make_dense_decoder(spec)};
}

Tensor reconstruction_loss(const std::string& loss, const Tensor& pixels, const Tensor& logits) {
  const Tensor wide = logits.to(torch::kFloat);
  if (loss == "gaussian") {
    const Tensor variance = (pixels - torch::sigmoid(wide)).square().mean();
    return 0.5 * static_cast<double>(pixels[0].numel()) * (variance + 1e-6).log();
  }
  const Tensor each = loss == "cross_entropy"
                          ? torch::binary_cross_entropy_with_logits(wide, pixels, {}, {}, at::Reduction::None)
                          : (pixels - torch::sigmoid(wide)).square();
  return each.flatten(1).sum(1).mean();
}

Tensor error_per_pixel(const Tensor& pixels, const Tensor& logits) {
  return (pixels - torch::sigmoid(logits.detach().to(torch::kFloat))).square().mean();
}

}  // namespace fewlabel
