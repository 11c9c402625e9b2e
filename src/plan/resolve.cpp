#include "plan/resolve.h"

#include <fmt/format.h>

#include <algorithm>

#include "fewlabel/error.h"
#include "fewlabel/transform.h"

namespace fewlabel {
namespace {

constexpr int64_t kSmallSide = 40;     // up to here the small net sees every pixel
constexpr double kDefaultMinutes = 5;  // of a run that says neither steps nor minutes

class Resolver {
 public:
  Resolver(TrainConfig& config, const PlanFacts& facts, std::vector<std::string>& choices)
      : config_(config), facts_(facts), choices_(choices) {}

  void run() {
    short_run_ = config_.train.steps.value_or(0) < kLongRun;
    data();
    net();
    method();
    augment();
    loop();
    optimizer();
  }

 private:
  template <typename T>
  void pick(std::optional<T>& field, std::string_view key, T value, const std::string& reason) {
    if (field) return;
    choices_.push_back(fmt::format("{} = {}: {}", key, value, reason));
    field = std::move(value);
  }
  template <typename T>
  static void fill(std::optional<T>& field, T value) {  // a default that needs no words
    if (!field) field = std::move(value);
  }

  void data() {
    const int64_t side = std::max(facts_.found.height, facts_.found.width);
    int64_t size = side;
    for (const int64_t limit : {32, 64, 96, 128, 160, 224})
      if (side > kSmallSide) {
        size = limit;
        if (side <= limit * 5 / 4) break;
      }
    size = std::max<int64_t>(size, 8);
    pick(config_.data.size, "data.size", size,
         fmt::format("most images are {} × {}", facts_.found.width, facts_.found.height));
    pick(config_.data.channels, "data.channels", int64_t{facts_.found.channels == 1 ? 1 : 3},
         facts_.found.channels == 1 ? "grey images" : "colour images");
    if (*config_.data.channels == 2) throw Error(ErrorKind::usage, "config", "data.channels = 2: wanted 1 or 3");
  }

  void net() {
    const bool small = *config_.data.size <= kSmallSide;
    pick(config_.net.name, "net.name", std::string(small ? "cnn" : "resnet18"),
         small ? "small images" : "images of more than 40 pixels");
  }

  void method() {
    if (!config_.method.contains("name")) {
      const MethodChoice choice = choose_method(facts_);
      config_.method["name"] = choice.name;
      choices_.push_back(choice.sentence);
    }
    fill(config_.baseline, std::string("none"));
    fill(config_.probe, std::string(facts_.learns_without_labels ? "full" : "none"));
  }

  void augment() {
    const int64_t channels = *config_.data.channels;
    const ViewPolicies policies = default_policies(channels);
    const std::string reason =
        channels == 3 ? "colour photographs" : "grey images may be signs, which must not be mirrored";
    pick(config_.augment.weak, "augment.weak", policies.weak, reason);
    pick(config_.augment.strong, "augment.strong", policies.strong, reason);
    fill(config_.augment.contrast, policies.contrast);
  }

  void loop() {
    LoopConfig& train = config_.train;
    if (!train.steps && !train.minutes) {
      train.minutes = kDefaultMinutes;
      choices_.push_back(fmt::format("train.minutes = {}: change it with --minutes N", kDefaultMinutes));
    }
    fill(train.batch, int64_t{short_run_ ? 32 : 64});
    fill(train.average, short_run_ ? 0.995 : 0.999);
    if (facts_.gpu) pick(train.device, "train.device", std::string("cuda"), "there is a GPU");
    fill(train.device, std::string("cpu"));
    const bool on_gpu = *train.device == "cuda", bf16 = on_gpu ? facts_.gpu_bf16 : facts_.bf16;
    pick(train.precision, "train.precision", std::string(bf16 ? "bf16" : "fp32"),
         fmt::format("the {} {}", on_gpu ? "GPU" : "processor", bf16 ? "multiplies bf16" : "has no bf16"));
    fill(train.threads, int64_t{facts_.threads});
    fill(train.workers, int64_t{std::max(1, facts_.threads)});
  }

  void optimizer() {
    OptimizerConfig& optimizer = config_.optimizer;
    const bool sgd = optimizer.name == "sgd";
    fill(optimizer.lr, sgd ? (short_run_ ? 0.05 : 0.03) : 1e-3);
    fill(optimizer.weight_decay, sgd ? 5e-4 : 0.05);
    fill(optimizer.schedule, std::string(short_run_ ? "cosine" : "cosine_7_16"));
    fill(optimizer.warmup, short_run_ ? 0.02 : 0.0);
    // Without normalisation a rate of 0.05 sends the weights to infinity within a hundred updates.
    if (const std::string& net = *config_.net.name; net == "seed_cnn" || net == "mlp")
      pick(optimizer.clip, "optimizer.clip", 1.0, net + " has no batch norm");
    fill(optimizer.clip, 0.0);
    const bool wide = config_.net.name->starts_with("wrn");
    fill(config_.net.bn_momentum, wide && !short_run_ ? 0.001 : 0.1);
  }

  bool short_run_ = true;
  TrainConfig& config_;
  const PlanFacts& facts_;
  std::vector<std::string>& choices_;
};

}  // namespace

MethodChoice choose_method(const PlanFacts& facts) {
  if (facts.unlabeled == 0) return {"supervised", "method.name = supervised: every example has a label"};
  return {"freematch", fmt::format("method.name = freematch: {} of {} examples have a label", facts.labeled,
                                   facts.labeled + facts.unlabeled)};
}

Plan resolve(TrainConfig config, const PlanFacts& facts) {
  Plan plan{std::move(config), {}};
  Resolver(plan.config, facts, plan.choices).run();
  return plan;
}

}  // namespace fewlabel
