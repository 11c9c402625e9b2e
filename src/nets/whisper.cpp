// The encoder of Whisper: Robust Speech Recognition via Large-Scale Weak Supervision (Radford et al. 2022,
// arXiv:2212.04356, section 2.2). It was trained on stretches of 30 seconds, the shorter ones filled up with silence.
// Here a recording is heard of its own length, up to a whole number of places, which costs a tenth where it has three
// seconds: places are cut off behind its end, and features are the mean over its own frames alone.
#include <fmt/format.h>

#include "encoders/speech_shape.h"
#include "fewlabel/error.h"
#include "nets/bert.h"
#include "nets/build.h"
#include "nets/recordings.h"
#include "nets/whisper_mel.h"

namespace fewlabel {
namespace {

constexpr int64_t kPlace = 2 * kWhisperHop;  // samples

class Whisper final : public NetModule {
 public:
  explicit Whisper(const NetSpec& spec) : shape_(whisper_shape(spec.config.shape)), mel_(shape_.bands) {
    const int64_t samples = spec.layout.sizes.at(0), most = shape_.places * kPlace;
    if (samples > most)
      throw Error(
          ErrorKind::usage, "data.seconds",
          fmt::format("= {:.4g}: the encoder has places for {:.4g} seconds",
                      static_cast<double>(samples) / spec.layout.rate, static_cast<double>(most) / spec.layout.rate),
          "show it no more at once; it hears the parts of a longer recording one after the other");
    const auto conv_of = [](int64_t in, int64_t out, int64_t stride) {
      return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, 3).stride(stride).padding(1));
    };
    conv1_ = register_module("conv1", conv_of(shape_.bands, shape_.width, 1));
    conv2_ = register_module("conv2", conv_of(shape_.width, shape_.width, 2));
    place_ = register_buffer("place", torch::zeros({shape_.places, shape_.width}));  // waves, which nobody trains
    const TextTransformerPlan plan = recordings_plan(shape_, spec.config, /*norm_first=*/true);
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
  /// M × T samples → M × ⌈T / 320⌉ × width.
  Tensor embedded(const Tensor& samples) {
    const int64_t length = samples.size(1), missing = (length + kPlace - 1) / kPlace * kPlace - length;
    Tensor y = mel_.of(torch::constant_pad_nd(samples, {0, missing}));
    // libtorch 1.13's gelu has a wrong gradient where that comes in another order of memory than its input.
    y = torch::gelu(conv1_->forward(y).to(torch::kFloat).contiguous());
    y = torch::gelu(conv2_->forward(y).to(torch::kFloat).transpose(1, 2).contiguous());
    return dropout_->forward(y + place_.slice(0, 0, y.size(1)));
  }

  WhisperShape shape_;
  WhisperMel mel_;
  torch::nn::Conv1d conv1_{nullptr}, conv2_{nullptr};
  Tensor place_;
  InnerDropout dropout_{nullptr};
  TextTransformer transformer_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_whisper(const NetSpec& spec) { return std::make_shared<Whisper>(spec); }

}  // namespace fewlabel
