// Networks: a backbone that gives features and a head that gives logits.
#pragma once
#include <torch/nn/module.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "fewlabel/layout.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

using Tensor = torch::Tensor;

/// What a net is built from.
struct NetBlueprint {
  NetConfig config;
  Layout layout;
  int64_t classes = 0;  // 0: no head, so that forward gives features
};

/// x: images and spectrograms N × C × H × W, tables N × D or samples N × T, normalised, fp32; texts N × T ids, int64, 0
/// is padding.
/// features: N × feature_size(). forward: logits, N × classes.
class NetModule : public torch::nn::Module {
 public:
  /// x as values that can be moved and mixed: x itself where it is that already. Of texts N × T × (E + 1), fp32: the
  /// embedding of each token and, last, how much of a token is there (0 at padding), which takes no gradient.
  virtual Tensor embed(const Tensor& x) { return x; }
  /// Normal noise for what embed() gave, from torch's global generator; 0 where nothing may be moved: at padding, and
  /// in how much of a token is there.
  virtual Tensor noise(const Tensor& embedded) { return torch::randn_like(embedded); }
  /// Of x as it comes, or as embed() gives it.
  virtual Tensor features(const Tensor& x) = 0;
  virtual Tensor classify(const Tensor& features) = 0;  // the head
  virtual int64_t feature_size() const = 0;
  Tensor forward(const Tensor& x) { return classify(features(x)); }

  /// From now on batch norms keep their statistics in training as well: those of what an encoder was trained on tell
  /// more than those of a few labelled examples.
  void keep_statistics();
  void train(bool on = true) override;

  /// What it is made of beside its config and its weights, as files of a folder of its own; most nets have nothing.
  virtual void write(const std::filesystem::path& folder) const { static_cast<void>(folder); }

  /// What make_net built it from; it is how copies are made.
  const NetBlueprint& blueprint() const { return blueprint_; }
  void set_blueprint(NetBlueprint blueprint) { blueprint_ = std::move(blueprint); }

 private:
  NetBlueprint blueprint_;
  bool keeps_statistics_ = false;
};
using Net = std::shared_ptr<NetModule>;

/// Of nets that begin with a row for each token of a text; asked for by dynamic_cast.
struct TokenEmbedding {
  virtual ~TokenEmbedding() = default;
  /// vocabulary × E: the rows that tokens are embedded by, for output layers that share them.
  virtual const Tensor& embedding_weight() const = 0;
};

/// Of nets that say something of every token of a text, having read the others; asked for by dynamic_cast.
struct TokenEncoder {
  virtual ~TokenEncoder() = default;
  /// ids N × T → P × token_size(), of the P tokens that are no padding, text by text.
  virtual Tensor tokens(const Tensor& x) = 0;
  virtual int64_t token_size() const = 0;
};

/// Of nets that say something of every moment of a recording; asked for by dynamic_cast.
struct FrameEncoder {
  virtual ~FrameEncoder() = default;
  /// N × frames × feature_size(): features() are their mean, and classify() takes each alone.
  virtual Tensor frames(const Tensor& x) = 0;
};

/// All names, or those of the nets that learn from one kind of data.
std::vector<std::string> net_names();
std::vector<std::string> net_names(Kind kind);

/// Builds and initialises a net; the same seed gives the same bits, whatever torch's global generator holds.
/// Throws Error{usage} for an unknown name, or a layout that it does not take.
Net make_net(const NetConfig& config, const Layout& layout, int64_t classes, uint64_t seed);

/// A copy of a net that make_net built, with its own storage, whose parameters take no gradient (targets, averages).
Net frozen_copy(NetModule& net);

}  // namespace fewlabel
