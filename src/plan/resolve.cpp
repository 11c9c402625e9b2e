#include "plan/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/vision_shape.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "modalities/audio/front_end.h"
#include "modalities/modalities.h"

namespace fewlabel {
namespace {

constexpr int64_t kSmallest = 8;   // side in pixels that every net takes
constexpr int64_t kSmallNet = 48;  // up to here the small net sees every pixel
constexpr std::array<int64_t, 8> kSides = {224, 160, 128, 96, 64, 48, 40, 32};

constexpr int64_t kLongest = 128;  // tokens of a text that is read whole; more where the recipe says so

/// `mels`: of recordings; 0 shows a net the samples.
std::string net_for(Kind kind, int64_t size, int64_t mels) {
  if (kind == Kind::text) return "text_cnn";
  if (kind == Kind::table) return "mlp";
  if (kind == Kind::audio) return mels > 0 ? "tc_resnet" : "wav2vec2";
  return size <= kSmallNet ? "cnn" : "resnet18";
}

/// Tokens that hold most texts whole; long ones say what they are about at their start.
int64_t length_for(const Layout& found) { return std::clamp<int64_t>(found.sizes.at(0), 8, kLongest); }

/// The smallest of kSides that shrinks most images by no more than a fifth; small ones stay as they are.
int64_t side_for(const Layout& layout) {
  const ImageShape found = image_shape(layout);
  const int64_t side = std::max(found.height, found.width);
  if (side <= 40) return std::max(side, kSmallest);
  for (auto limit = kSides.rbegin(); limit != kSides.rend(); ++limit)
    if (side * 4 <= *limit * 5) return *limit;
  return kSides.front();
}

/// An encoder was trained on larger images than most, and sees little in small ones; twice the side costs four times as
/// much.
int64_t side_for_encoder(const Layout& layout) {
  constexpr int64_t kSmall = 64, kEnlarged = 128;
  const ImageShape found = image_shape(layout);
  return std::max(found.height, found.width) <= kSmall ? kEnlarged : std::max(kEnlarged, side_for(layout));
}

/// Of an encoder that is a vision transformer.
std::optional<VisionShape> transformer_of(const TrainConfig& config) {
  return config.net.name == "vision_transformer" ? vision_shape(config.net.shape) : std::nullopt;
}

/// Whole patches, at least one.
int64_t in_patches(int64_t side, const VisionShape& shape) {
  return std::max<int64_t>(side / shape.patch, 1) * shape.patch;
}

bool starts_from_encoder(const TrainConfig& config, const PlanFacts& facts) {
  return facts.encoder || !config.encoder_hash.empty();
}

/// A vision transformer learnt places of one grid of patches, and knows others less well the more they differ: also
/// small images are brought to the side that it was trained on, but for the few that are above what pays.
int64_t side_for(const TrainConfig& config, const PlanFacts& facts) {
  if (const auto shape = transformer_of(config)) return std::min(shape->side, in_patches(kSides.front(), *shape));
  return starts_from_encoder(config, facts) ? side_for_encoder(facts.found) : side_for(facts.found);
}

constexpr int64_t kSeenByEncoders = 96;  // pixels below which they tell little

constexpr double kRoom = 1.2;  // beside a recording that is written down

/// Hundredths of seconds, upwards.
double rounded(double seconds) { return std::ceil(seconds * 100 - 1e-6) / 100; }

/// What is written, in the form of a plan; what is left open keeps the plan's default.
template <typename Planned, typename Written>
Planned written_part(const Written& written) {
  Json said, unsaid;
  write_config(said, written);
  write_config(unsaid, Written());
  for (const auto& [key, value] : unsaid.items())
    if (value == "auto" && said[key] == "auto") said.erase(key);
  return read_config<Planned>("config", said);
}

class Resolver {
 public:
  Resolver(TrainConfig config, const PlanFacts& facts) : config_(std::move(config)), facts_(facts) {}

  Resolved run() {
    brief_ = facts_.preset == Preset::brief;
    plan_.preset = to_string(facts_.preset);
    plan_.seed = config_.seed;
    plan_.init = config_.init;
    plan_.init_hash = config_.init_hash;
    if (!config_.encoder_hash.empty()) {
      plan_.encoder = config_.encoder;
      plan_.encoder_hash = config_.encoder_hash;
    }
    data();
    net();
    method();
    augment();
    loop();
    optimizer();
    return {std::move(plan_), std::move(choices_)};
  }

 private:
  template <typename T>
  void pick(T& field, const std::optional<T>& written, std::string_view key, T value, const std::string& reason) {
    if (!written) choices_.push_back(fmt::format("{} = {}: {}", key, value, reason));
    field = written.value_or(std::move(value));
  }

  void data() {
    const DataConfig& from = config_.data;
    DataPlan& to = plan_.data = written_part<DataPlan>(from);
    if (facts_.found.kind == Kind::text)
      pick(to.length, from.length, "data.length", length_for(facts_.found),
           fmt::format("19 texts of 20 have no more than {} tokens", facts_.found.sizes.at(0)));
    if (facts_.found.kind == Kind::audio) sound(from, to);
    if (facts_.found.kind != Kind::image) return;
    const ImageShape found = image_shape(facts_.found);
    pick(to.size, from.size, "data.size", side_for(config_, facts_),
         transformer_of(config_) ? std::string("that of the images that the encoder was trained on, or near it")
                                 : fmt::format("most images are {} × {}", found.width, found.height));
    pick(to.channels, from.channels, "data.channels", int64_t{found.channels == 1 ? 1 : 3},
         found.channels == 1 ? "grey images" : "colour images");
    if (to.channels == 2) throw Error(ErrorKind::usage, "config", "data.channels = 2: wanted 1 or 3");
  }

  void sound(const DataConfig& from, DataPlan& to) {
    const Layout& found = facts_.found;
    const FrontEnd front = front_end_of(to);
    const double rate = found.rate, longest = found.longest / rate;
    // A transcript is of the whole, also where a view is slower.
    const double seconds = facts_.transcribed ? kRoom * longest : static_cast<double>(front.samples(found)) / rate;
    pick(to.rate, from.rate, "data.rate", int64_t{found.rate},
         "of most recordings; more than 16,000 says little of speech");
    pick(to.seconds, from.seconds, "data.seconds", rounded(seconds),
         facts_.transcribed ? "the longest, with a fifth for slower views"
                            : "19 recordings of 20 are no longer, or what a net sees of them at once");
    pick(to.longest, from.longest, "data.longest", std::max(rounded(longest), to.seconds),
         "that much is kept of a recording");
  }

  void net() {
    const NetConfig& from = config_.net;
    NetPlan& to = plan_.net = written_part<NetPlan>(from);
    const Kind kind = facts_.found.kind;
    pick(to.name, from.name, "net.name", net_for(kind, plan_.data.size, plan_.data.mels),
         kind != Kind::image            ? fmt::format("examples are {}s", word_for_one(kind))
         : plan_.data.size <= kSmallNet ? "small images"
                                        : fmt::format("images of more than {} pixels", kSmallNet));
    to.bn_momentum = from.bn_momentum.value_or(to.name.starts_with("wrn") && !brief_ ? 0.001 : 0.1);
  }

  void method() {
    plan_.method = config_.method;
    if (!plan_.method.contains("name")) {
      const MethodChoice choice = choose_method(facts_);
      plan_.method["name"] = choice.name;
      choices_.push_back(choice.sentence);
    }
    plan_.probe = config_.probe.value_or(facts_.learns_without_labels ? "full" : "none");
  }

  void augment() {
    const bool image = facts_.found.kind == Kind::image;
    Layout layout = facts_.found;
    if (image) {
      ImageShape shape = image_shape(layout);
      shape.channels = static_cast<int32_t>(plan_.data.channels);
      layout = shape;
    }
    const ViewPolicies policies = plain_modality(layout.kind, {.sound = front_end_of(plan_.data)})->policies(layout);
    const std::string reason = !image ? fmt::format("examples are {}s", word_for_one(facts_.found.kind))
                               : plan_.data.channels == 3 ? "colour photographs"
                                                          : "grey images may be signs, which must not be mirrored";
    pick(plan_.augment.weak, config_.augment.weak, "augment.weak", policies.weak, reason);
    pick(plan_.augment.strong, config_.augment.strong, "augment.strong", policies.strong, reason);
    plan_.augment.contrast = config_.augment.contrast.value_or(policies.contrast);
  }

  void loop() {
    const LoopConfig& from = config_.train;
    LoopPlan& to = plan_.train = written_part<LoopPlan>(static_cast<const LoopSettings<Form::written>&>(from));
    if (from.steps)
      to.minutes = 0;  // the steps decide
    else
      pick(to.minutes, from.minutes, "train.minutes", kDefaultMinutes, "change it with --minutes N");
    to.batch = from.batch.value_or(brief_ ? 32 : 64);
    to.average = from.average.value_or(brief_ ? 0.995 : 0.999);
    const std::string device = from.device.value_or(facts_.gpu ? "cuda" : "cpu");
    if (facts_.gpu && !from.device) choices_.push_back("train.device = cuda: there is a GPU");
    const bool on_gpu = device != "cpu", bf16 = on_gpu ? facts_.gpu_bf16 : facts_.bf16;
    pick(to.precision, from.precision, "train.precision", std::string(bf16 ? "bf16" : "fp32"),
         fmt::format("the {} {}", on_gpu ? "GPU" : "processor", bf16 ? "multiplies bf16" : "has no bf16"));
    to.threads = from.threads.value_or(facts_.threads);
  }

  void optimizer() {
    const OptimizerConfig& from = config_.optimizer;
    OptimizerPlan& to = plan_.optimizer = written_part<OptimizerPlan>(from);
    // What an encoder knows is lost at rates that a net needs which knows nothing.
    const std::string tuned = "the net starts from an encoder";
    if (facts_.encoder)
      pick(to.name, from.name, "optimizer.name", std::string("adamw"), tuned);
    else
      to.name = from.name.value_or(facts_.found.kind == Kind::text ? "adamw" : "sgd");
    const bool sgd = to.name == "sgd";
    // A table of tokens, of which a step moves a few rows, bears a higher rate than a transformer.
    const bool rows = plan_.net.name == "bag" || plan_.net.name == "text_cnn";
    if (facts_.encoder)
      pick(to.lr, from.lr, "optimizer.lr", sgd ? 1e-3 : 1e-4, tuned);
    else
      to.lr = from.lr.value_or(sgd ? (brief_ ? 0.05 : 0.03) : rows ? 3e-3 : 1e-3);
    to.weight_decay = from.weight_decay.value_or(sgd ? 5e-4 : facts_.encoder ? 0.01 : 0.05);
    to.schedule = from.schedule.value_or(brief_ ? "cosine" : "cosine_7_16");
    to.warmup = from.warmup.value_or(brief_ ? 0.02 : 0.0);
    // Without normalisation a rate of 0.05 sends the weights to infinity within a hundred updates.
    const std::string& net = plan_.net.name;
    if (net == "seed_cnn" || net == "mlp")
      pick(to.clip, from.clip, "optimizer.clip", 1.0, net + " has no batch norm");
    else
      to.clip = from.clip.value_or(0.0);
  }

  TrainConfig config_;
  const PlanFacts& facts_;
  Plan plan_;
  std::vector<std::string> choices_;
  bool brief_ = true;
};

}  // namespace

MethodChoice choose_method(const PlanFacts& facts) {
  if (facts.transcribed && facts.unlabeled == 0) return {"ctc", "method.name = ctc: every recording has a transcript"};
  if (facts.transcribed)
    return {"mpl", fmt::format("method.name = mpl: {} of {} recordings have a transcript", facts.labeled,
                               facts.labeled + facts.unlabeled)};
  if (facts.encoder)
    return {"best_head", fmt::format("method.name = best_head: {} of {} examples have a label", facts.labeled,
                                     facts.labeled + facts.unlabeled)};
  if (facts.unlabeled == 0) return {"supervised", "method.name = supervised: every example has a label"};
  const std::string name = facts.found.kind == Kind::text ? "uda" : "freematch";
  return {name, fmt::format("method.name = {}: {} of {} examples have a label", name, facts.labeled,
                            facts.labeled + facts.unlabeled)};
}

Resolved resolve(TrainConfig config, const PlanFacts& facts) { return Resolver(std::move(config), facts).run(); }

std::string smallest_net(Kind kind) { return kind == Kind::text ? "bag" : kind == Kind::image ? "seed_cnn" : ""; }

std::vector<Scale> scales(const TrainConfig& config, const PlanFacts& facts) {
  const Kind kind = facts.found.kind;
  if (kind != Kind::image) {
    const int64_t length = kind == Kind::text ? config.data.length.value_or(length_for(facts.found)) : 0;
    std::vector<Scale> all = {{length, config.net.name.value_or(net_for(kind, length, config.data.mels))}};
    if (kind == Kind::text && !config.net.name) all.push_back({length, smallest_net(kind)});
    return all;
  }
  const int64_t largest = config.data.size.value_or(side_for(config, facts));
  std::vector<Scale> all = {{largest, config.net.name.value_or(net_for(kind, largest, config.data.mels))}};
  const bool encoded = starts_from_encoder(config, facts);
  if (!config.data.size)
    for (int64_t side : kSides) {
      if (const auto shape = transformer_of(config)) side = in_patches(side, *shape);
      if (side < all.back().size && (!encoded || side >= kSeenByEncoders))
        all.push_back({side, config.net.name.value_or(net_for(kind, side, config.data.mels))});
    }
  if (!config.net.name && all.back().net != "cnn") all.push_back({all.back().size, "cnn"});
  return all;
}

}  // namespace fewlabel
