// A toy task, a tiny trainer and a step that only records, for tests of methods.
#pragma once
#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "fewlabel/method.h"
#include "fewlabel/random.h"

namespace fewlabel::testing {

/// Three classes of 8 × 8 grey images: a bright blob whose place tells the class, under noise. Three labels a class.
/// Or of texts of 6 to 12 words, of which some tell the class. Or of spectrograms of 8 bands by 12 frames with such a
/// blob.
class Toy {
 public:
  static constexpr int64_t kClasses = 3, kLabeled = 9, kUnlabeled = 300, kAlone = 64;
  static constexpr ImageShape kShape{8, 8, 1};
  static inline torch::Device device = torch::kCPU;  // of what it gives
  static inline Kind kind = Kind::image;             // of what it gives
  static constexpr int32_t kFrames = 12;
  static constexpr int64_t kShortest = 6, kLongest = 12, kPlainWords = 20, kClassWords = 6;
  static constexpr int64_t kVocabulary = kSpecialTokens + kPlainWords + kClasses * kClassWords;

  static Layout layout() {
    if (kind == Kind::image) return kShape;
    if (kind == Kind::audio) return {Kind::audio, Layout::Type::f32, {8, kFrames, 1}, 0, 1000, 10 * kFrames};
    return {Kind::text, Layout::Type::i32, {static_cast<int32_t>(kLongest)}, static_cast<int32_t>(kVocabulary)};
  }
  static Task task() {
    return {.layout = layout(),
            .classes = kClasses,
            .labeled = kLabeled,
            .unlabeled = kUnlabeled,
            .class_share = {1.0 / 3, 1.0 / 3, 1.0 / 3},
            .steps = 150,
            .seed = 4,
            .mean = {0.25F},
            .deviation = {0.2F}};
  }
  /// The task and the net as a method of this kind gets them.
  static Task task_for(const MethodInfo& info) {
    Task own = task();
    if (!info.learns_without_labels()) return own;
    own.classes = 0;
    own.class_share.clear();
    return own;
  }
  /// A method that brings its own net gets that one.
  static Net net_for(const MethodInfo& info, const std::string& name = "mlp", uint64_t seed = 3,
                     double inner_dropout = 0.1) {
    NetConfig config;
    config.name = info.settings.value("/net/name"_json_pointer, name);
    config.inner_dropout = inner_dropout;
    return make_net(config, layout(), task_for(info).classes, seed);
  }
  static Net net(const std::string& name = "mlp", uint64_t seed = 3) {
    NetConfig config;
    config.name = name;
    return make_net(config, layout(), kClasses, seed);
  }
  /// Batch `t` of a run; with `true_labels` the unlabelled stream has its labels, else -1.
  static Batch batch(const Needs& needs, int64_t t, bool true_labels = false, int64_t labeled = kLabeled) {
    Batch batch;
    batch.labeled = stream("labeled", needs.labeled, labeled, kLabeled, t);
    // A method without labels takes its batch from the unlabelled alone.
    const int64_t unlabeled = needs.labeled.empty() ? kAlone : labeled * needs.ratio;
    batch.unlabeled = stream("unlabeled", needs.unlabeled, unlabeled, kUnlabeled, t);
    if (!true_labels && batch.unlabeled.y.defined()) batch.unlabeled.y.fill_(-1);
    return batch;
  }
  /// Fresh examples without augmentation.
  static Views test(int64_t count = 300) {
    Views views = stream("test", {"plain"}, count, count, 0);
    return views;
  }

 private:
  static Views stream(std::string_view pool, const std::vector<std::string>& names, int64_t count, int64_t size,
                      int64_t t) {
    Views views;
    if (names.empty()) return views;
    Tensor index_of = torch::empty({count}, torch::kLong);
    Random draw({.seed = 5, .purpose = pool, .epoch = static_cast<uint64_t>(t)});
    for (int64_t i = 0; i < count; ++i)
      index_of[i] = count == size ? i : static_cast<int64_t>(draw.below(static_cast<uint32_t>(size)));
    views.index = index_of.to(device);
    views.y = views.index.remainder(kClasses);
    for (std::size_t v = 0; v < names.size(); ++v) {
      const double noise = names[v] == "strong" ? 0.6 : names[v] == "contrast" ? 0.5 : names[v] == "weak" ? 0.1 : 0.0;
      const int64_t width = kind == Kind::audio ? kFrames : 8;
      Tensor x =
          kind == Kind::text ? torch::zeros({count, kLongest}, torch::kLong) : torch::empty({count, 1, 8, width});
      for (int64_t i = 0; i < count; ++i) {
        const auto index = static_cast<uint64_t>(index_of[i].item<int64_t>());
        Random own({.seed = 5, .purpose = pool, .epoch = 1U << 20, .index = index});
        Random augment({.seed = 5, .purpose = "augment", .epoch = static_cast<uint64_t>(t), .index = index, .view = v});
        const int64_t label = static_cast<int64_t>(index) % kClasses;
        kind == Kind::text ? write(x[i], label, noise, own, augment) : paint(x[i], label, noise, own, augment);
      }
      views.x.push_back(x.to(device));
    }
    return views;
  }
  /// Words of a text; noise hides some of them.
  static void write(const Tensor& text, int64_t label, double noise, Random& own, Random& augment) {
    const int64_t length = kShortest + own.below(static_cast<uint32_t>(kLongest - kShortest + 1));
    auto word = text.accessor<int64_t, 1>();
    for (int64_t j = 0; j < length; ++j) {
      const bool tells = j < 3 || own.flip(0.2);
      const auto choice = own.below(static_cast<uint32_t>(tells ? kClassWords : kPlainWords));
      word[j] = kSpecialTokens + choice + (tells ? kPlainWords + label * kClassWords : 0);
      if (augment.flip(noise / 3)) word[j] = kUnknown;
    }
  }
  static void paint(const Tensor& image, int64_t label, double noise, Random& own, Random& augment) {
    const double row = 2.0 + 4.0 * static_cast<double>(label == 1) + own.uniform(-1.0, 1.0);
    const double column = 2.0 + 4.0 * static_cast<double>(label == 2) + own.uniform(-1.0, 1.0);
    auto pixel = image.accessor<float, 3>();
    for (int64_t r = 0; r < 8; ++r)
      for (int64_t c = 0; c < image.size(2); ++c) {
        const double distance =
            std::pow(static_cast<double>(r) - row, 2) + std::pow(static_cast<double>(c) - column, 2);
        pixel[0][r][c] =
            static_cast<float>(2.0 * std::exp(-distance / 3.0) + 0.4 * own.normal() + noise * augment.normal());
      }
  }
};

/// Keeps what a method says; updates nothing. The gradients of the last minimize lie on the parameters.
class RecordingStep : public Step {
 public:
  void minimize(const Tensor& value, std::string_view group = "model") override {
    losses.push_back(value.item<double>());
    groups.emplace_back(group);
    value.backward();
  }
  void log(std::initializer_list<std::pair<std::string_view, Tensor>> values) override {
    for (const auto& [name, value] : values) logged[std::string(name)] = value.item<double>();
  }
  void pseudo_labels(const Tensor& chosen, const Tensor& weight) override {
    label = chosen;
    kept = weight;
  }
  void embeddings(const Tensor& z) override { embedded = z.detach(); }

  std::vector<double> losses;
  std::vector<std::string> groups;
  std::map<std::string, double> logged;
  Tensor label, kept, embedded;
};

/// How the toy trainer moves weights: SGD with momentum 0.9, or Adam.
struct ToyRule {
  double rate = 0.02;
  bool adam = false;
  double beta1 = 0.9;
  static constexpr double kBeta2 = 0.99;
  /// Adam where the method's own settings ask for it.
  static ToyRule of(const MethodInfo& info) {
    if (Toy::kind == Kind::text) return {.rate = 3e-3, .adam = true};  // as a plan has it for texts
    const Json optimizer = info.settings.value("optimizer", Json::object());
    if (optimizer.value("name", "sgd") != "adamw") return {};
    return {.rate = 2e-3, .adam = true, .beta1 = optimizer.value("momentum", 0.9)};
  }
};

/// The smallest trainer that keeps Step's promises.
class ToyTrainer : public RecordingStep {
 public:
  ToyTrainer(Method& method, ToyRule rule, int64_t accumulate = 1)
      : method_(method), rule_(rule), accumulate_(accumulate), groups_(method.groups()) {
    for (const auto& [name, parameters] : groups_)
      for (const auto& parameter : parameters) {
        momentum[name].push_back(torch::zeros_like(parameter));
        square[name].push_back(torch::zeros_like(parameter));
      }
  }
  void minimize(const Tensor& value, std::string_view group = "model") override {
    losses.push_back(value.item<double>());
    groups.emplace_back(group);
    auto& parameters = groups_.find(group)->second;
    (value / static_cast<double>(accumulate_)).backward({}, c10::nullopt, false, parameters);
    if (++pending_[std::string(group)] < accumulate_) return;
    pending_[std::string(group)] = 0;
    const torch::NoGradGuard no_grad;
    const double rate = rule_.rate * method_.rate(group);
    const auto t = static_cast<double>(++updates[std::string(group)]);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!parameters[i].grad().defined()) continue;
      const Tensor& gradient = parameters[i].grad();
      Tensor &first = momentum[std::string(group)][i], &second = square[std::string(group)][i];
      if (rule_.adam) {
        first.mul_(rule_.beta1).add_(gradient, 1 - rule_.beta1);
        second.mul_(ToyRule::kBeta2).addcmul_(gradient, gradient, 1 - ToyRule::kBeta2);
        const double correction = std::sqrt(1 - std::pow(ToyRule::kBeta2, t)) / (1 - std::pow(rule_.beta1, t));
        parameters[i].addcdiv_(first, second.sqrt().add_(1e-8), -rate * correction);
      } else {
        first.mul_(0.9).add_(gradient);
        parameters[i].add_(first, -rate);
      }
      parameters[i].mutable_grad().reset();
    }
  }
  /// Updates `from` … `to` - 1 of `total`.
  void run(int64_t from, int64_t to, int64_t total, bool true_labels = false) {
    method_.train();
    for (int64_t t = from; t < to; ++t) {
      torch::manual_seed(static_cast<uint64_t>(t));  // as the trainer does
      const Batch batch = Toy::batch(method_.needs(), t, true_labels);
      method_.learn(batch, *this);
      method_.updated(static_cast<double>(t + 1) / static_cast<double>(total));
    }
  }

  std::map<std::string, std::vector<Tensor>> momentum, square;
  std::map<std::string, int64_t> updates;

 private:
  Method& method_;
  ToyRule rule_;
  int64_t accumulate_;
  Groups groups_;
  std::map<std::string, int64_t> pending_;
};

/// Rows `from` … `to` - 1 of a stream.
inline Views rows(const Views& views, int64_t from, int64_t to) {
  Views part;
  for (const auto& x : views.x) part.x.push_back(x.slice(0, from, to));
  if (views.y.defined()) part.y = views.y.slice(0, from, to);
  if (views.index.defined()) part.index = views.index.slice(0, from, to);
  return part;
}

/// All parameters and buffers, by name.
inline std::map<std::string, Tensor> state_of(const torch::nn::Module& module) {
  std::map<std::string, Tensor> state;
  for (const auto& item : module.named_parameters()) state[item.key()] = item.value().detach().clone();
  for (const auto& item : module.named_buffers()) state[item.key()] = item.value().clone();
  return state;
}

/// The weights that scripts/golden gives to layers: 2 (i² mod 1009) / 1009 - 1 for i = 1, 2 …, over √(last size).
inline Tensor pattern(torch::IntArrayRef shape) {
  const Tensor i = torch::arange(1, c10::multiply_integers(shape) + 1, torch::kLong);
  const Tensor row = 2 * i.square().remainder(1009).to(torch::kDouble) / 1009.0 - 1.0;
  return (row.reshape(shape) / std::sqrt(static_cast<double>(shape.back()))).to(torch::kFloat);
}

/// Logits whose softmax gives class `label` the probability `confidence` and the other two the rest in equal parts.
inline Tensor sure(int64_t label, double confidence) {
  Tensor row = torch::full({3}, std::log((1.0 - confidence) / 2.0));
  row[label] = std::log(confidence);
  return row;
}

inline std::vector<float> numbers(const Tensor& tensor) {
  const Tensor flat = tensor.to(torch::kFloat).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// A net whose logits are its input times one weight a class, so that tests can choose the logits.
class EchoNet final : public NetModule {
 public:
  explicit EchoNet(int64_t classes) : classes_(classes), scale(register_parameter("scale", torch::ones({classes}))) {}
  Tensor features(const Tensor& x) override { return x.flatten(1); }
  Tensor classify(const Tensor& features) override { return features * scale; }
  int64_t feature_size() const override { return classes_; }

 private:
  int64_t classes_;

 public:
  Tensor scale;
};

/// bf16 autocast on the toy's device while it lives, as the trainer has it around learn().
class Autocast {
 public:
  Autocast() { set(true); }
  ~Autocast() {
    at::autocast::clear_cache();
    set(false);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  static void set(bool on) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_enabled(Toy::device.type(), on);
    at::autocast::set_autocast_dtype(Toy::device.type(), at::kBFloat16);
#else
    at::autocast::set_cpu_enabled(on);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
#endif
  }
};

}  // namespace fewlabel::testing
