// MAE: Masked Autoencoders Are Scalable Vision Learners.
// He et al., CVPR 2022, https://arxiv.org/abs/2111.06377.
// Most of an image is hidden; an encoder sees the rest alone, and a light decoder must say what is hidden.
#include <algorithm>

#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "methods/common/pixels.h"
#include "methods/common/sampling.h"
#include "nets/initialise.h"
#include "nets/vit.h"

namespace fewlabel {
namespace {

struct MaeConfig {
  double mask_ratio = 0.75;
  bool norm_pix = true;
  int64_t decoder_width = 64, decoder_depth = 1, decoder_heads = 4;
  std::string view = "weak";
  void fields(FieldVisitor& field) {
    field("mask_ratio", mask_ratio, "share of the patches that is hidden", 0.0, 0.99);
    field("norm_pix", norm_pix, "the target is each patch with mean 0 and variance 1, not its pixels");
    field("decoder_width", decoder_width, "numbers of a token of the decoder (4 times a whole number)", 4, 1024);
    field("decoder_depth", decoder_depth, "blocks of the decoder", 1, 32);
    field("decoder_heads", decoder_heads, "attention heads of the decoder; must divide its width", 1, 64);
    field("view", view, "view of the images", {"none", "weak", "contrast"});
  }
};

/// rows: N × T × D, which: N × K, int64 → N × K × D.
Tensor chosen(const Tensor& rows, const Tensor& which) {
  return rows.gather(1, which.unsqueeze(2).expand({-1, -1, rows.size(2)}));
}

std::shared_ptr<Vit> as_vit(const Net& net) {
  if (auto vit = std::dynamic_pointer_cast<Vit>(net)) return vit;
  throw Error(ErrorKind::usage, "method mae", "the net sees no patches, so none can be hidden from it", "use net=vit");
}

/// The mask token in every hidden place, all places told, a small transformer, and a linear layer to the patches.
class DecoderImpl : public torch::nn::Module {
 public:
  DecoderImpl(const MaeConfig& config, const Vit& vit, int64_t values, uint64_t seed) {
    const int64_t width = config.decoder_width;
    if (width % 4 != 0 || width % config.decoder_heads != 0)
      throw Error(ErrorKind::usage, "method mae",
                  "decoder_width = " + std::to_string(width) + " is not a multiple of 4 and of decoder_heads");
    in_ = register_module("in", GlorotLinear(vit.width(), width));
    mask_token_ = register_parameter("mask_token", 0.02 * seeded_normal({1, 1, width}, seed));
    places_ = register_buffer("places", place_table(vit.rows(), vit.columns(), width));
    transformer_ = register_module("transformer", Transformer(width, config.decoder_depth, config.decoder_heads));
    out_ = register_module("out", GlorotLinear(width, values));
  }
  /// latent: N × V × D of the first V places of each row of `order`; N × (T - V) × values of the others.
  Tensor forward(const Tensor& latent, const Tensor& order) {
    const Tensor hidden = order.slice(1, latent.size(1)), seen = in_->forward(latent);
    const Tensor masked = mask_token_.to(seen.dtype()).expand({seen.size(0), hidden.size(1), -1});
    const Tensor tokens = chosen(torch::cat({seen, masked}, 1), order.argsort()) + places_;
    return out_->forward(chosen(transformer_->forward(tokens), hidden));
  }

 private:
  Tensor mask_token_, places_;
  GlorotLinear in_{nullptr}, out_{nullptr};
  Transformer transformer_{nullptr};
};
TORCH_MODULE(Decoder);

class Mae final : public Method, public Encoder, public Reconstructor {
 public:
  Mae(const MaeConfig& config, const Task& task, const Net& net) : config_(config), shape_(task.shape()) {
    net_ = register_module("net", as_vit(net));
    if (net_->rows() * net_->columns() < 2)
      throw Error(ErrorKind::usage, "method mae", "the image is one patch, of which none can be hidden",
                  "use a smaller net.patch");
    decoder_ =
        register_module("decoder", Decoder(config, *net_, shape_.channels * net_->patch() * net_->patch(), task.seed));
    initialise(*decoder_, task.seed, "init decoder");
    pixels_ = register_module("pixels", Pixels(task));
  }

  Needs needs() const override { return {.labeled = {}, .unlabeled = {config_.view}, .ratio = 1, .whole_batch = true}; }
  bool replayable() const override { return true; }

  void learn(const Batch& batch, Step& step) override {
    const Tensor patches = patches_of(batch.unlabeled.x.at(0), net_->patch());
    const Tensor order = torch::rand({patches.size(0), patches.size(1)}, patches.options()).argsort();
    const auto [visible, hidden] = split(order);

    // The encoder sees the visible patches alone; the loss is the squared error on the hidden ones alone.
    const Tensor latent = net_->encode(chosen(net_->embed(patches), visible));
    const Tensor predicted = decoder_->forward(latent, order);
    const Tensor loss = (predicted - target(chosen(patches, hidden))).square().mean();

    step.minimize(loss);
    step.embeddings(latent.mean(1));
    step.log({{"loss/hidden", loss}});
  }

  Tensor features(const Tensor& x) override { return net_->features(x); }

  /// What is predicted for the patches that a fixed draw hides, beside those that it does not. A net that was trained
  /// with norm_pix says nothing about a patch's mean and deviation: these are taken from the image.
  Tensor reconstruct(const Tensor& x) override {
    const Tensor patches = patches_of(x, net_->patch());
    const Tensor draw = seeded_normal({1, patches.size(1)}, 0).to(x.device());
    const Tensor order = draw.argsort().expand({x.size(0), -1}).contiguous();
    const auto [visible, hidden] = split(order);
    Tensor predicted = decoder_->forward(net_->encode(chosen(net_->embed(patches), visible)), order).to(torch::kFloat);
    const Tensor truth = chosen(patches, hidden);
    if (config_.norm_pix) predicted = predicted * deviation(truth) + truth.mean(2, true);
    const Tensor whole = chosen(torch::cat({chosen(patches, visible), predicted}, 1), order.argsort());
    return pixels_->to_pixels(image_of(whole, net_->patch(), shape_));
  }

 private:
  /// The first (1 - mask_ratio) of each row of `order`, at least one, and the others.
  std::pair<Tensor, Tensor> split(const Tensor& order) const {
    const int64_t count = order.size(1);
    const auto kept = static_cast<int64_t>(static_cast<double>(count) * (1.0 - config_.mask_ratio));
    const int64_t visible = std::clamp<int64_t>(kept, 1, count - 1);
    return {order.slice(1, 0, visible), order.slice(1, visible)};
  }
  Tensor target(const Tensor& patches) const {
    return config_.norm_pix ? (patches - patches.mean(2, true)) / deviation(patches) : patches;
  }
  static Tensor deviation(const Tensor& patches) { return (patches.var(2, true, true) + 1e-6).sqrt(); }

  MaeConfig config_;
  ImageShape shape_;
  std::shared_ptr<Vit> net_;
  Decoder decoder_{nullptr};
  Pixels pixels_{nullptr};
};

}  // namespace

MethodInfo mae() {
  return describe_method<Mae, MaeConfig>(
             "mae", "MAE", "arXiv:2111.06377", "self/autoencoding",
             {{"net", {{"name", "vit"}}},
              {"optimizer", {{"name", "adamw"}, {"lr", 1e-3}, {"beta2", 0.95}, {"weight_decay", 0.05}}},
              {"train", {{"batch", 128}}}})
      .of({Kind::image, Kind::audio});
}

}  // namespace fewlabel
