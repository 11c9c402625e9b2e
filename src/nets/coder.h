// Encoders and decoders of autoencoders; their weights come from a seed alone. None has batch norm, so each example
// stands alone, but for what a Net brings.
#pragma once
#include <torch/torch.h>

#include "fewlabel/image.h"
#include "fewlabel/net.h"

namespace fewlabel {

/// One half of an autoencoder.
class CoderModule : public torch::nn::Module {
 public:
  virtual Tensor forward(const Tensor& x) = 0;
  /// The last layer's, which `forward` adds at the end: one for each number or channel that comes out.
  virtual Tensor last_bias() = 0;
};
using Coder = std::shared_ptr<CoderModule>;

struct CoderSpec {
  ImageShape shape;
  int64_t code = 8;    // numbers of a code, or channels of a map
  int64_t width = 16;  // dense: of the widest hidden layer; convolutional: channels beside the image
  uint64_t seed = 0;
  std::vector<float> mean = {};  // of the pixels, per channel: what decoders say before they know better
};

/// N × C × H × W → N × code: pixels, width, width / 2, code, with ReLU between.
Coder make_dense_encoder(const CoderSpec& spec);
/// N × code → N × C × H × W: the same layers in reverse. Decoders give logits: sigmoid makes pixels in [0, 1] of them.
Coder make_dense_decoder(const CoderSpec& spec);

/// A backbone's features, then a linear layer: N × C × H × W, normalised → N × code.
Coder make_net_encoder(Net net, const CoderSpec& spec);
/// N × code → N × C × H × W: a linear layer to a map (map_shape), doubled and convolved until it is an image.
Coder make_conv_decoder(const CoderSpec& spec);

/// N × C × H × W → N × code × h × w by strided convolutions and residual blocks, and back.
Coder make_map_encoder(const CoderSpec& spec);
Coder make_map_decoder(const CoderSpec& spec);
/// h and w: the image's side halved, rounded up, twice, and on while it is larger than 8. channels: spec.code.
ImageShape map_shape(const CoderSpec& spec);

}  // namespace fewlabel
