// What the nets are built from. Internal to src/nets, but for parameter_count.
#pragma once
#include <torch/torch.h>

#include "fewlabel/image.h"
#include "fewlabel/net.h"
#include "kernels/convolution.h"
#include "kernels/normalization.h"
#include "nets/initialise.h"

namespace fewlabel {

/// A NetConfig with its name and bn_momentum settled, and what the net is for.
struct NetSpec {
  NetConfig config;
  Layout layout;
  ImageShape shape;  // of pictures: the same by name
  int64_t classes = 0;
  uint64_t seed = 0;
  double bn_momentum = 0.1;
};

Net make_linear(const NetSpec& spec);
Net make_mlp(const NetSpec& spec);
Net make_ladder_mlp(const NetSpec& spec);
Net make_seed_cnn(const NetSpec& spec);
Net make_cnn(const NetSpec& spec);
Net make_wrn(const NetSpec& spec);
Net make_resnet(const NetSpec& spec);
Net make_resnet18(const NetSpec& spec);
Net make_resnet34(const NetSpec& spec);
Net make_resnet50(const NetSpec& spec);
Net make_efficientnet_lite0(const NetSpec& spec);
Net make_efficientnet_lite1(const NetSpec& spec);
Net make_efficientnet_lite2(const NetSpec& spec);
/// EfficientNet and MobileNetV3, by the name of the net.
Net make_mobile_net(const NetSpec& spec);
Net make_convnext(const NetSpec& spec);
Net make_vit(const NetSpec& spec);
Net make_bag(const NetSpec& spec);
Net make_text_cnn(const NetSpec& spec);
Net make_bert(const NetSpec& spec);
Net make_tc_resnet(const NetSpec& spec);
Net make_wav2vec2(const NetSpec& spec);
Net make_graph_net(const NetSpec& spec);
Net make_vision_transformer(const NetSpec& spec);
Net make_speech_encoder(const NetSpec& spec);
Net make_whisper(const NetSpec& spec);

/// k × k convolution without bias, padded so that stride 1 keeps the size.
torch::nn::Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1);
torch::nn::BatchNorm2d batch_norm(const NetSpec& spec, int64_t channels, double eps = 1e-5);
/// N × C × H × W → N × C grid²: the means over grid × grid parts of the map; with grid 1 over all places.
Tensor pool_to_grid(const Tensor& map, int64_t grid);

/// Dropout, then the linear layer to the logits; the features alone where there are no classes. Always computed in
/// fp32, also under autocast: bf16 logits would give softmax confidences with three digits. net.head = unit: features
/// are first brought to mean 0 by the buffers `mean` and `factor`, which a frozen method sets, and to
/// the length √D: of what a public encoder sees, the direction says what it is.
class HeadImpl : public torch::nn::Module {
 public:
  HeadImpl(const NetSpec& spec, int64_t features);
  Tensor forward(const Tensor& features);

 private:
  Tensor drop(const Tensor& x);

  Tensor mean_, factor_;  // D; undefined where net.head is plain
  double dropout_;
  uint64_t seed_;
  torch::nn::Linear linear_{nullptr};
  Tensor draws_;  // masks drawn so far; a buffer, so that a resumed run draws the same ones
};
TORCH_MODULE(Head);

/// Numbers that training changes.
int64_t parameter_count(const torch::nn::Module& net);

}  // namespace fewlabel
