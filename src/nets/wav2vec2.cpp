// wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations.
// Baevski et al., NeurIPS 2020, https://arxiv.org/abs/2006.11477, section 2. Convolutions turn samples into frames of
// 20 milliseconds; a transformer reads these in each other's light. Layer norm comes before each part of a block, as in
// the authors' LARGE model; where a frame stands is told by a convolution over 31 of them, theirs has 128.
#include <array>

#include "fewlabel/error.h"
#include "nets/build.h"
#include "nets/vit.h"

namespace fewlabel {
namespace {

struct SpeechSize {
  const char* name;
  int64_t latent, width, depth, heads;
};
// base is the paper's; the others are as much smaller as BERT's miniatures are.
constexpr std::array<SpeechSize, 4> kSpeechSizes{
    {{"micro", 64, 128, 3, 2}, {"mini", 128, 256, 4, 4}, {"small", 256, 512, 6, 8}, {"base", 512, 768, 12, 12}}};
constexpr int64_t kFirstKernel = 10, kFirstStride = 5, kPlaces = 31, kPlaceGroups = 16;
constexpr double kFrame = 0.02;  // seconds, about

SpeechSize speech_size(const std::string& name) {
  std::vector<std::string> names;
  for (const SpeechSize& size : kSpeechSizes) {
    if (name == size.name) return size;
    names.emplace_back(size.name);
  }
  throw Error(ErrorKind::usage, "net", "there is no wav2vec2 of size '" + name + "'", suggestion(name, names));
}

/// How often samples are halved after the first layer: six times at 16 kHz.
int64_t halvings(int32_t rate) {
  int64_t count = 0;
  while (static_cast<double>(kFirstStride << (count + 1)) <= kFrame * rate) ++count;
  return count;
}

torch::nn::Conv1d sample_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, kernel).stride(stride).bias(false));
}

class Wav2Vec2 final : public NetModule, public FrameEncoder {
 public:
  explicit Wav2Vec2(const NetSpec& spec) : size_(speech_size(spec.config.size)) {
    int64_t field = kFirstKernel, stride = kFirstStride;  // samples that a frame is made of, and between two
    convolutions_->push_back(sample_conv(1, size_.latent, kFirstKernel, kFirstStride));
    for (int64_t left = halvings(spec.layout.rate); left > 0; --left) {
      const int64_t kernel = left > 2 ? 3 : 2;
      convolutions_->push_back(sample_conv(size_.latent, size_.latent, kernel, 2));
      field += (kernel - 1) * stride;
      stride *= 2;
    }
    beside_ = field - stride;
    register_module("convolutions", convolutions_);
    first_norm_ = register_module("first_norm", torch::nn::GroupNorm(size_.latent, size_.latent));
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({size_.latent})));
    embed_ = register_module("embed", GlorotLinear(size_.latent, size_.width));
    places_ = register_module(
        "places",
        torch::nn::Conv1d(
            torch::nn::Conv1dOptions(size_.width, size_.width, kPlaces).padding(kPlaces / 2).groups(kPlaceGroups)));
    transformer_ = register_module("transformer", Transformer(size_.width, size_.depth, size_.heads));
    head_ = register_module("head", Head(spec, size_.width));
  }

  Tensor frames(const Tensor& x) override {
    const Tensor embedded = embed_->forward(norm_->forward(latents(x).to(torch::kFloat)));
    const Tensor place = places_->forward(embedded.transpose(1, 2)).transpose(1, 2);
    return transformer_->forward((embedded + torch::gelu(place.contiguous())).to(torch::kFloat));
  }
  Tensor features(const Tensor& x) override { return frames(x).mean(1); }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return size_.width; }

 private:
  /// N × T → N × frames × latent.
  Tensor latents(const Tensor& x) {
    const std::vector<int64_t> silence = {beside_ / 2,
                                          beside_ - beside_ / 2};  // so that frames × stride are the samples
    Tensor y = torch::constant_pad_nd(x, silence).unsqueeze(1);
    for (std::size_t i = 0; i < convolutions_->size(); ++i) {
      y = convolutions_[i]->as<torch::nn::Conv1d>()->forward(y);
      if (i == 0) y = first_norm_->forward(y.to(torch::kFloat));  // also under autocast
      const bool last = i + 1 == convolutions_->size();
      // libtorch 1.13's gelu has a wrong gradient where that comes in another order of memory than its input.
      y = torch::gelu(last ? y.transpose(1, 2).contiguous() : y);
    }
    return y;
  }

  SpeechSize size_;
  int64_t beside_ = 0;  // samples of silence that are put beside a recording
  torch::nn::ModuleList convolutions_;
  torch::nn::GroupNorm first_norm_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  GlorotLinear embed_{nullptr};
  torch::nn::Conv1d places_{nullptr};
  Transformer transformer_{nullptr};
  Head head_{nullptr};
};

}  // namespace

Net make_wav2vec2(const NetSpec& spec) { return std::make_shared<Wav2Vec2>(spec); }

}  // namespace fewlabel
