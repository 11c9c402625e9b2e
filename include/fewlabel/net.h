// Networks: a backbone that gives features and a head that gives logits.
#pragma once
#include <torch/nn/module.h>

#include <memory>
#include <utility>

#include "fewlabel/dataset.h"
#include "fewlabel/train_config.h"

namespace fewlabel {

using Tensor = torch::Tensor;

/// What a net is built from.
struct NetBlueprint {
  NetConfig config;
  ImageShape shape;
  int64_t classes = 0;  // 0: no head, so that forward gives features
};

/// x: N × C × H × W, normalised, fp32. features: N × feature_size(). forward: logits, N × classes.
class NetModule : public torch::nn::Module {
 public:
  virtual Tensor features(const Tensor& x) = 0;
  virtual Tensor classify(const Tensor& features) = 0;  // the head
  virtual int64_t feature_size() const = 0;
  Tensor forward(const Tensor& x) { return classify(features(x)); }

  /// What make_net built it from; it is how copies are made.
  const NetBlueprint& blueprint() const { return blueprint_; }
  void set_blueprint(NetBlueprint blueprint) { blueprint_ = std::move(blueprint); }

 private:
  NetBlueprint blueprint_;
};
using Net = std::shared_ptr<NetModule>;

/// linear, mlp, ladder_mlp, seed_cnn, cnn, wrn, resnet18, resnet34, resnet50, vit
std::vector<std::string> net_names();

/// Builds and initialises a net; the same seed gives the same bits, whatever torch's global generator holds.
/// Throws Error{usage} for an unknown name or a shape too small for it.
Net make_net(const NetConfig& config, const ImageShape& shape, int64_t classes, uint64_t seed);

/// A copy of a net that make_net built, with its own storage, whose parameters take no gradient (targets, averages).
Net frozen_copy(NetModule& net);

}  // namespace fewlabel
