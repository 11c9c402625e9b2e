#include "nets/coder.h"

#include <algorithm>

#include "nets/initialise.h"

namespace fewlabel {
namespace {

constexpr int32_t kLargestMap = 8;
constexpr int64_t kFewestHalvings = 2;

int64_t halvings(const ImageShape& shape) {
  int64_t count = kFewestHalvings;
  while ((std::max(shape.height, shape.width) - 1) >> count >= kLargestMap) ++count;
  return count;
}

/// Channels after `step` halvings.
int64_t channels_at(const CoderSpec& spec, int64_t step) { return spec.width << step; }

torch::nn::Conv2d biased_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2));
}

class DenseCoder final : public CoderModule {
 public:
  DenseCoder(const std::vector<int64_t>& sizes, std::vector<int64_t> result) : result_(std::move(result)) {
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
      layers_.push_back(register_module("layer" + std::to_string(i + 1), torch::nn::Linear(sizes[i], sizes[i + 1])));
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = layers_.front()->forward(x.flatten(1));
    for (std::size_t i = 1; i < layers_.size(); ++i) y = layers_[i]->forward(torch::relu(y));
    return y.view(result_);
  }
  Tensor last_bias() override { return layers_.back()->bias; }

 private:
  std::vector<int64_t> result_;
  std::vector<torch::nn::Linear> layers_;
};

class NetEncoder final : public CoderModule {
 public:
  NetEncoder(Net net, int64_t code) : net_(register_module("net", std::move(net))) {
    out_ = register_module("out", torch::nn::Linear(net_->feature_size(), code));
  }
  Tensor forward(const Tensor& x) override { return out_->forward(net_->features(x)); }
  torch::nn::Module& own() { return *out_; }
  Tensor last_bias() override { return out_->bias; }

 private:
  Net net_;
  torch::nn::Linear out_{nullptr};
};

/// relu(x + a 3 × 3 and a 1 × 1 convolution of x), as in VQ-VAE.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  explicit ResidualBlockImpl(int64_t channels) {
    conv1_ = register_module("conv1", biased_conv(channels, channels, 3));
    conv2_ = register_module("conv2", biased_conv(channels, channels, 1));
  }
  Tensor forward(const Tensor& x) { return torch::relu(x + conv2_->forward(torch::relu(conv1_->forward(x)))); }

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
};
TORCH_MODULE(ResidualBlock);

class MapEncoder final : public CoderModule {
 public:
  explicit MapEncoder(const CoderSpec& spec) {
    int64_t in = spec.shape.channels;
    for (int64_t step = 0; step < halvings(spec.shape); ++step) {
      const int64_t out = channels_at(spec, step);
      convs_.push_back(register_module("conv" + std::to_string(step + 1), biased_conv(in, out, 3, 2)));
      in = out;
    }
    block_ = register_module("block", ResidualBlock(in));
    out_ = register_module("out", biased_conv(in, spec.code, 1));
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& conv : convs_) y = torch::relu(conv->forward(y));
    return out_->forward(block_->forward(y));
  }
  Tensor last_bias() override { return out_->bias; }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  ResidualBlock block_{nullptr};
  torch::nn::Conv2d out_{nullptr};
};

class MapDecoder final : public CoderModule {
 public:
  explicit MapDecoder(const CoderSpec& spec) : shape_(spec.shape) {
    const int64_t steps = halvings(spec.shape);
    int64_t in = channels_at(spec, steps - 1);
    in_ = register_module("in", biased_conv(spec.code, in, 3));
    block_ = register_module("block", ResidualBlock(in));
    for (int64_t step = steps - 1; step >= 0; --step) {
      const int64_t out = channels_at(spec, std::max<int64_t>(step - 1, 0));
      convs_.push_back(register_module("conv" + std::to_string(steps - step), biased_conv(in, out, 3)));
      in = out;
    }
    out_ = register_module("out", biased_conv(in, spec.shape.channels, 3));
  }
  Tensor forward(const Tensor& map) override {
    Tensor y = block_->forward(torch::relu(in_->forward(map.contiguous(torch::MemoryFormat::ChannelsLast))));
    for (auto& conv : convs_)
      y = torch::relu(conv->forward(torch::upsample_nearest2d(y, {2 * y.size(2), 2 * y.size(3)})));
    return out_->forward(y).slice(2, 0, shape_.height).slice(3, 0, shape_.width);
  }
  Tensor last_bias() override { return out_->bias; }

 private:
  ImageShape shape_;
  torch::nn::Conv2d in_{nullptr}, out_{nullptr};
  ResidualBlock block_{nullptr};
  std::vector<torch::nn::Conv2d> convs_;
};

/// A code becomes a map of as many channels as the decoder works on.
class ConvDecoder final : public CoderModule {
 public:
  explicit ConvDecoder(CoderSpec spec) : map_(map_shape(spec)) {
    map_.channels = static_cast<int32_t>(channels_at(spec, halvings(spec.shape) - 1));
    in_ = register_module("in", torch::nn::Linear(spec.code, map_.bytes()));
    spec.code = map_.channels;
    decoder_ = register_module("decoder", std::make_shared<MapDecoder>(spec));
  }
  Tensor forward(const Tensor& code) override {
    return decoder_->forward(torch::relu(in_->forward(code)).view({-1, map_.channels, map_.height, map_.width}));
  }
  Tensor last_bias() override { return decoder_->last_bias(); }

 private:
  ImageShape map_;
  torch::nn::Linear in_{nullptr};
  Coder decoder_;
};

Coder ready(Coder coder, uint64_t seed, std::string_view purpose) {
  initialise(*coder, seed, purpose);
  channels_last(*coder);
  return coder;
}

/// Starts at the mean of the pixels: moving there by small steps would take hundreds of them.
Coder ready_decoder(Coder coder, const CoderSpec& spec) {
  ready(coder, spec.seed, "init decoder");
  if (spec.mean.empty()) return coder;
  const torch::NoGradGuard no_grad;
  Tensor bias = coder->last_bias();
  const Tensor mean = torch::tensor(spec.mean).clamp(0.01, 0.99);
  bias.copy_(torch::logit(mean).repeat_interleave(bias.numel() / mean.numel()));
  return coder;
}

}  // namespace

Coder make_dense_encoder(const CoderSpec& spec) {
  return ready(std::make_shared<DenseCoder>(
                   std::vector<int64_t>{spec.shape.bytes(), spec.width, (spec.width + 1) / 2, spec.code},
                   std::vector<int64_t>{-1, spec.code}),
               spec.seed, "init encoder");
}

Coder make_dense_decoder(const CoderSpec& spec) {
  return ready_decoder(std::make_shared<DenseCoder>(
                           std::vector<int64_t>{spec.code, (spec.width + 1) / 2, spec.width, spec.shape.bytes()},
                           std::vector<int64_t>{-1, spec.shape.channels, spec.shape.height, spec.shape.width}),
                       spec);
}

Coder make_net_encoder(Net net, const CoderSpec& spec) {
  const auto encoder = std::make_shared<NetEncoder>(std::move(net), spec.code);
  initialise(encoder->own(), spec.seed, "init encoder");
  return encoder;
}

Coder make_conv_decoder(const CoderSpec& spec) { return ready_decoder(std::make_shared<ConvDecoder>(spec), spec); }
Coder make_map_encoder(const CoderSpec& spec) {
  return ready(std::make_shared<MapEncoder>(spec), spec.seed, "init encoder");
}
Coder make_map_decoder(const CoderSpec& spec) { return ready_decoder(std::make_shared<MapDecoder>(spec), spec); }

ImageShape map_shape(const CoderSpec& spec) {
  const int64_t count = halvings(spec.shape);
  const auto halved = [count](int32_t side) { return ((side - 1) >> count) + 1; };
  return {halved(spec.shape.height), halved(spec.shape.width), static_cast<int32_t>(spec.code)};
}

}  // namespace fewlabel
