// A method is one algorithm: derive from Method in one file, write the paper's equations in learn(), and list its
// factory in src/methods/all.cpp. Used from one thread.
#pragma once
#include <torch/nn/module.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/image.h"
#include "fewlabel/net.h"

namespace fewlabel {

/// One stream of a batch. x[v] is view v, a net's input (fewlabel/net.h); y int64 labels, -1 where there is none; index
/// int64, the example's position in its pool (0 … pool size - 1).
struct Views {
  std::vector<Tensor> x;
  Tensor y, index;
};
struct Batch {
  Views labeled, unlabeled;
};
/// The views that a method wants of each stream (empty: no such stream), and unlabelled examples per labelled one.
/// A view is a name of the recipe's [augment] (weak, strong, contrast) or a policy of its own ("none").
struct Needs {
  std::vector<std::string> labeled, unlabeled;
  int64_t ratio = 1;
  /// The loss compares examples with each other or draws noise of its own, so that two micro-batches do not add up to
  /// one batch of their union.
  bool whole_batch = false;
};
using Groups = std::map<std::string, std::vector<Tensor>, std::less<>>;

/// Lent by the trainer for one micro-batch.
class Step {
 public:
  virtual ~Step() = default;
  /// θ_group ← optimiser(θ_group, ∇ loss). Gradients reach no other group. Logged as "loss", or "loss/GROUP".
  virtual void minimize(const Tensor& loss, std::string_view group = "model") = 0;
  /// Scalars to record; kept on their device, read at the logging interval.
  virtual void log(std::initializer_list<std::pair<std::string_view, Tensor>> values) = 0;
  /// For monitoring alone: the pseudo-labels of this batch's unlabelled examples (int64) and which were used (float
  /// weights or 0/1). The trainer compares them with hidden labels where it has them; the method learns nothing.
  virtual void pseudo_labels(const Tensor& label, const Tensor& kept) = 0;
  /// For monitoring alone: embeddings of this batch (N × D). The trainer warns when they collapse.
  virtual void embeddings(const Tensor& z) = 0;
};

class Method : public torch::nn::Module {
 public:
  virtual Needs needs() const = 0;
  /// Parameters by optimiser group; by default one group, "model", of all that require a gradient.
  virtual Groups groups();
  /// What the learning rate of a group is multiplied by.
  virtual double rate(std::string_view group) const { return static_cast<void>(group), 1.0; }
  /// One micro-batch. Calls step.minimize at least once. What torch's global generator draws is keyed by the update.
  /// Only a HeadLearner may leave it out.
  virtual void learn(const Batch& batch, Step& step);
  /// Whether every learn() does the same operations on tensors of the same shapes, reads none of them on the processor,
  /// minimises once, and keeps what changes from step to step in tensors that are changed in place. A GPU may then
  /// record one step and replay it; numbers that learn() takes from elsewhere would stay those of the recording.
  virtual bool replayable() const { return false; }
  /// After each optimiser update; progress runs from 0 to 1.
  virtual void updated(double progress) { static_cast<void>(progress); }
};

/// What a trained method can do; evaluation asks once, by dynamic_cast.
struct Classifier {
  virtual ~Classifier() = default;
  virtual Tensor logits(const Tensor& x) = 0;
  /// The network to keep as the trained model.
  virtual Net network() = 0;
};
/// features: N × D.
struct Encoder {
  virtual ~Encoder() = default;
  virtual Tensor features(const Tensor& x) = 0;
  /// The net whose features these are, which another training may start from (init=RUN); null: the one that the method
  /// was made with. For methods that keep a second net of that kind, a teacher.
  virtual Net backbone() { return nullptr; }
};
struct SampleRequest {
  int64_t count = 1;
  int64_t label = -1;  // of a conditional sampler; -1: all classes in turn
  uint64_t seed = 0;   // the same seed gives the same samples
};
/// sample: count × C × H × W, pixels in [0, 1].
struct Sampler {
  virtual ~Sampler() = default;
  virtual Tensor sample(const SampleRequest& request) = 0;
  /// Whether a label can be asked for.
  virtual bool conditional() const { return false; }
};
/// reconstruct: the pixels, in [0, 1], that x is taken for.
struct Reconstructor {
  virtual ~Reconstructor() = default;
  virtual Tensor reconstruct(const Tensor& x) = 0;
};

/// Says for every frame of a recording which symbol is heard; symbol 0, the blank, stands for none.
struct Transcriber {
  virtual ~Transcriber() = default;
  /// Log-probabilities, N × frames × symbols.
  virtual Tensor emissions(const Tensor& x) = 0;
  /// The network to keep as the trained model; one that encodes frames.
  virtual Net network() = 0;
};

/// What a net makes of all examples, in the order of the pools: features, fp32, on the CPU.
struct FeaturePools {
  Tensor labeled, y;  // L × D; L, int64
  Tensor unlabeled;   // U × D; U may be 0
};
/// Trains the head alone, of all examples at once and in one go, while the rest of the net stays as it is. The trainer
/// then makes no batches: fit() takes the place of learn(), once.
struct HeadLearner {
  virtual ~HeadLearner() = default;
  /// Same pools, same bits. Looks at cancelled() now and then and throws Error{interrupted or terminated}.
  virtual void fit(const FeaturePools& pools) = 0;
  /// What it decided on the way, for a person; empty: nothing.
  virtual std::string sentence() const { return {}; }
};

/// What a method may know about its task before it starts. A method of the family self/ learns without labels: it sees
/// no classes, a net without a head, and all examples as unlabelled.
struct Task {
  Layout layout;
  int64_t classes = 0, labeled = 0, unlabeled = 0;  // counts of the pools
  std::vector<double> class_share;                  // of the labelled pool; sums to 1
  int64_t steps = 0;                                // planned optimiser updates
  uint64_t seed = 0;                                // of the weights that the method makes itself
  std::vector<float> mean = {}, deviation = {};     // fewlabel/modality.h, Normalization
  bool trained_head = true;                         // the net comes with a head that a run has trained on these classes
  std::vector<double> pool_share = {};              // of the unlabelled pool, where it is known; sums to 1
  /// Of the labelled pool, where its labels are transcripts: the symbols of each by its position; classes are symbols.
  std::vector<std::vector<int32_t>> transcripts = {};
  /// Throws Error{usage} where the examples are no images.
  ImageShape shape() const { return image_shape(layout); }
};

struct MethodInfo {
  std::string name, title, paper, family;  // "fixmatch", "FixMatch", "arXiv:2001.07685", "semi/correcting"
  std::vector<FieldInfo> fields;           // of its config
  std::function<std::unique_ptr<Method>(const Json& config, const Task&, Net)> construct;  // make() without its check
  std::function<Json(const Json& config)> resolve;  // all fields with their values; throws Error{usage}
  Json settings;        // what else a recipe for it should say where the user says nothing: {"optimizer": {"lr": 2e-4}}
  Json short_settings;  // the same for runs of a few thousand updates, where the paper's take a million; they go before
  std::vector<Kind> kinds;   // that it learns from
  bool transcribes = false;  // learns from transcripts; otherwise from classes

  /// Throws Error{usage}, also where the task's examples are of another kind.
  std::unique_ptr<Method> make(const Json& config, const Task& task, Net net) const;
  bool takes(Kind kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }
  /// Throws Error{usage} with the methods that learn from this kind.
  void check(Kind kind) const;
  /// short_settings without what only images can have.
  Json short_settings_of(Kind kind) const;
  /// This method, for these kinds alone.
  MethodInfo of(std::vector<Kind> own) && { return kinds = std::move(own), std::move(*this); }
  MethodInfo transcribing() && { return transcribes = true, std::move(*this).of({Kind::audio}); }
  bool learns_without_labels() const { return family.starts_with("self/"); }
};

/// The record of a method M with config C; M is constructible from (C, Task, Net).
template <typename M, Configurable C>
MethodInfo describe_method(std::string name, std::string title, std::string paper, std::string family,
                           Json settings = Json::object(), Json short_settings = Json::object());

/// Every method, in the order of src/methods/all.cpp.
const std::vector<MethodInfo>& all_methods();
/// The names of those that learn from one kind of data.
std::vector<std::string> method_names(Kind kind);
/// Throws Error{usage} with the nearest names.
const MethodInfo& find_method(std::string_view name);

template <typename M, Configurable C>
MethodInfo describe_method(std::string name, std::string title, std::string paper, std::string family, Json settings,
                           Json short_settings) {
  const std::string where = "method " + name;
  return {std::move(name),
          std::move(title),
          std::move(paper),
          std::move(family),
          describe_config<C>(),
          [where](const Json& config, const Task& task, Net net) -> std::unique_ptr<Method> {
            return std::make_unique<M>(read_config<C>(where, config), task, std::move(net));
          },
          [where](const Json& config) { return resolved_config<C>(where, config); },
          std::move(settings),
          std::move(short_settings),
          {std::begin(kAllKinds), std::end(kAllKinds)}};
}

}  // namespace fewlabel
