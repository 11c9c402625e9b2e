// wav2vec 2.0 (Baevski et al. 2020, arXiv:2006.11477) and HuBERT (Hsu et al. 2021, arXiv:2106.07447) as their authors
// publish them, which somebody trained before; wav2vec2.cpp is the smaller one that starts from nothing. Each recording
// is heard by itself and of its own length, as group norm over time and attention want it.
#include <algorithm>

#include "encoders/speech_shape.h"
#include "nets/bert.h"
#include "nets/build.h"
#include "nets/recordings.h"

namespace fewlabel {
namespace {

class SpeechEncoder final : public NetModule {
 public:
  explicit SpeechEncoder(const NetSpec& spec) : shape_(speech_shape(spec.config.shape)) {
    int64_t in = 1, stride = 1;
    for (const SpeechShape::Convolution& one : shape_.convolutions) {
      convolutions_->push_back(torch::nn::Conv1d(
          torch::nn::Conv1dOptions(in, one.channels, one.kernel).stride(one.stride).bias(shape_.bias)));
      shortest_ += (one.kernel - 1) * stride;
      stride *= one.stride;
      in = one.channels;
      if (!shape_.group_norm) norms_->push_back(text_norm(in, kConvolutionEps));
    }
    register_module("convolutions", convolutions_);
    if (shape_.group_norm) {
      const int64_t channels = shape_.convolutions.front().channels;
      first_norm_ = register_module("first_norm", torch::nn::GroupNorm(channels, channels));
    } else {
      register_module("norms", norms_);
    }
    if (shape_.embedding_norm) embedding_norm_ = register_module("embedding_norm", text_norm(in, spec.config.eps));
    embed_ = register_module("embed", GlorotLinear(in, shape_.width));
    places_ = register_module(
        "places", torch::nn::Conv1d(torch::nn::Conv1dOptions(shape_.width, shape_.width, shape_.place_kernel)
                                        .padding(shape_.place_kernel / 2)
                                        .groups(shape_.place_groups)));
    const TextTransformerPlan plan = recordings_plan(shape_, spec.config, spec.config.norm == "pre");
    if (!plan.norm_first) norm_ = register_module("norm", text_norm(shape_.width, plan.eps));
    dropout_ = register_module("dropout", InnerDropout(plan.dropout));
    transformer_ = register_module("transformer", TextTransformer(plan));
    head_ = register_module("head", Head(spec, shape_.width));
  }

  Tensor noise(const Tensor& x) override { return noise_of_recordings(x); }
  Tensor features(const Tensor& x) override {
    return features_of_recordings(
        x, [this](const Tensor& samples) { return embedded(samples); }, transformer_);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return shape_.width; }

 private:
  static constexpr double kConvolutionEps = 1e-5, kLeastVariance = 1e-7;

  /// M × T samples → M × F × width: what the first block is given; fp32.
  Tensor embedded(const Tensor& samples) {
    Tensor y = samples.to(torch::kFloat);
    if (shape_.unit_variance) {
      const Tensor centred = y - y.mean(1, true);
      y = centred / (centred.square().mean(1, true) + kLeastVariance).sqrt();
    }
    if (const int64_t missing = shortest_ - y.size(1); missing > 0) y = torch::constant_pad_nd(y, {0, missing});
    y = y.unsqueeze(1);
    for (std::size_t i = 0; i < convolutions_->size(); ++i) {
      // libtorch 1.13's gelu has a wrong gradient where that comes in another order of memory than its input.
      y = convolutions_[i]->as<torch::nn::Conv1d>()->forward(y).to(torch::kFloat);
      if (!shape_.group_norm)
        y = norms_[i]->as<torch::nn::LayerNorm>()->forward(y.transpose(1, 2)).transpose(1, 2);
      else if (i == 0)
        y = first_norm_->forward(y);
      const bool last = i + 1 == convolutions_->size();
      y = torch::gelu((last ? y.transpose(1, 2) : y).contiguous());
    }
    if (embedding_norm_) y = embedding_norm_->forward(y);
    y = embed_->forward(y).to(torch::kFloat);
    // As many frames as there were: a kernel of an even size makes one more.
    const Tensor place = places_->forward(y.transpose(1, 2)).slice(2, 0, y.size(1)).transpose(1, 2);
    y = y + torch::gelu(place.to(torch::kFloat).contiguous());
    return dropout_->forward(norm_ ? norm_->forward(y) : y);
  }

  SpeechShape shape_;
  int64_t shortest_ = 1;  // samples that make a frame
  torch::nn::ModuleList convolutions_, norms_;
  torch::nn::GroupNorm first_norm_{nullptr};
  torch::nn::LayerNorm embedding_norm_{nullptr}, norm_{nullptr};
  GlorotLinear embed_{nullptr};
  torch::nn::Conv1d places_{nullptr};
  InnerDropout dropout_{nullptr};
  TextTransformer transformer_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_speech_encoder(const NetSpec& spec) { return std::make_shared<SpeechEncoder>(spec); }

}  // namespace fewlabel
