#include "app/stage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "app/planning.h"
#include "data/loader.h"
#include "eval/saliency.h"
#include "fewlabel/error.h"
#include "fewlabel/transform.h"
#include "methods/common/net_tuner.h"
#include "train/batches.h"
#include "train/device.h"
#include "train/module_state.h"

namespace fewlabel {
namespace {

std::vector<std::shared_ptr<const Transform>> transforms(const std::vector<std::string>& views,
                                                         const AugmentPlan& augment, const Modality& modality) {
  std::vector<std::shared_ptr<const Transform>> result;
  for (const std::string& view : views) {
    const std::string& policy = view == "weak"       ? augment.weak
                                : view == "strong"   ? augment.strong
                                : view == "contrast" ? augment.contrast
                                                     : view;
    result.emplace_back(modality.transform(policy));
  }
  return result;
}

/// Virtual examples that come with each batch of `batch` labelled ones; none where the plan names none.
Guests virtual_guests(const PreparedData& data, const DataPlan& plan, int64_t batch) {
  if (plan.virtual_examples.empty()) return {};
  const double ratio = plan.virtual_share / (1 - plan.virtual_share);
  return {.store = data.made_store.get(),
          .pool = data.virtual_examples.index,
          .labels = data.virtual_examples.label,
          .batch = std::llround(ratio * static_cast<double>(batch))};
}

/// Both pools: what a method that learns without labels sees.
Pool everything(const PreparedData& data) {
  Pool all = data.labeled;
  all.index.insert(all.index.end(), data.unlabeled.index.begin(), data.unlabeled.index.end());
  all.label.insert(all.label.end(), data.unlabeled.label.begin(), data.unlabeled.label.end());
  return all;
}

}  // namespace

struct Stage::Impl {
  Impl(const PreparedData& prepared, StageOptions stage_options, TrainerHooks hooks)
      : data(prepared), options(std::move(stage_options)) {
    const Plan& plan = options.plan;
    const MethodInfo& info = find_method(plan.method.at("name").get<std::string>());
    const Pool unlabeled_pool = info.learns_without_labels() ? everything(data) : data.unlabeled;
    const int64_t classes = info.learns_without_labels() ? 0 : static_cast<int64_t>(data.dataset.classes.size());
    check_target(info, data.transcribed);
    const auto seed = static_cast<uint64_t>(plan.seed);
    const int64_t batch = plan.train.batch;
    const Guests guests = virtual_guests(data, plan.data, batch);
    const Task task{.layout = data.train->layout(),
                    .classes = classes,
                    .labeled = data.labeled.size() + static_cast<int64_t>(guests.pool.size()),
                    .unlabeled = unlabeled_pool.size(),
                    .class_share = classes > 0 ? class_share(data) : std::vector<double>(),
                    .steps = plan.train.steps,
                    .seed = seed,
                    .mean = options.normalization.mean,
                    .deviation = options.normalization.deviation,
                    .trained_head = options.initial && options.initial->classes == data.dataset.classes,
                    .pool_share = classes > 0 ? pool_share(data, plan.data.shares) : std::vector<double>(),
                    .transcripts = info.transcribes
                                       ? spelled(*data.dataset.train, data.labeled.index, data.dataset.classes)
                                       : std::vector<std::vector<int32_t>>()};
    Json own = plan.method;
    own.erase("name");
    net = make_net(net_config(plan.net), task.layout, classes, seed);
    if (options.initial) initial_sentence = take_over(*net, data.dataset.classes, *options.initial);
    method = info.make(own, task, net);
    if (options.initial && !trains(*method, *net))
      throw Error(ErrorKind::usage, "init",
                  fmt::format("{} makes nets of its own and cannot start from a run", info.name),
                  "leave init out, or choose another method");
    method->to(choose_device(options.conduct.device.value_or("auto")));
    classifier = dynamic_cast<Classifier*>(method.get());
    transcriber = dynamic_cast<Transcriber*>(method.get());
    card = {plan.method, net_config(plan.net), task, data.dataset.classes, to_string(data.split), data.modality};

    if (!method->needs().unlabeled.empty() && unlabeled_pool.size() == 0)
      throw Error(ErrorKind::data, data.dataset.name,
                  info.name + " learns from unlabelled examples, and there are none" + damage_clause(data.train.get()),
                  "put them into a folder called unlabeled, keep fewer labels with @N, or use method=supervised");
    learner = dynamic_cast<HeadLearner*>(method.get());
    if (learner)
      begin_head(std::move(hooks));
    else
      begin_training(unlabeled_pool, guests, task, std::move(hooks));
  }

  void begin_training(const Pool& unlabeled_pool, const Guests& guests, const Task& task, TrainerHooks hooks) {
    const Plan& plan = options.plan;
    const Needs needs = method->needs();
    const StreamSpec labeled{.pool = data.labeled.index,
                             .labels = data.labeled.label,
                             .transforms = transforms(needs.labeled, plan.augment, *data.modality),
                             .batch = plan.train.batch,
                             .guests = guests};
    const StreamSpec unlabeled{.pool = unlabeled_pool.index,
                               .labels = std::vector<int32_t>(unlabeled_pool.index.size(), kUnlabeled),
                               .transforms = transforms(needs.unlabeled, plan.augment, *data.modality),
                               .batch = plan.train.batch * needs.ratio};
    const OpenBatches open =
        [store = data.train.get(), labeled, unlabeled, seed = task.seed,
         workers = static_cast<int>(options.conduct.workers.value_or(plan.train.threads))](int64_t first) {
          return std::make_unique<LoaderBatches>(std::make_unique<Loader>(
              *store, labeled, unlabeled, LoaderOptions{.seed = seed, .workers = workers, .first_batch = first}));
        };
    TrainerOptions trainer_options{.optimizer = plan.optimizer,
                                   .loop = plan.train,
                                   .conduct = options.conduct,
                                   .seed = task.seed,
                                   .layout = task.layout,
                                   .mean = options.normalization.mean,
                                   .deviation = options.normalization.deviation,
                                   .hidden_labels = unlabeled_pool.label,
                                   .method_name = card.name(),
                                   .checkpoints = options.checkpoints,
                                   .resume_command = options.resume_command,
                                   .identity = options.identity};
    if (std::all_of(unlabeled_pool.label.begin(), unlabeled_pool.label.end(),
                    [](int32_t y) { return y == kUnlabeled; }))
      trainer_options.hidden_labels.clear();
    trainer = std::make_unique<Trainer>(*method, std::move(trainer_options), open, std::move(hooks));
  }

  void begin_head(TrainerHooks own) {
    if (!options.plan.data.virtual_examples.empty())
      throw Error(ErrorKind::usage, "data.virtual", card.name() + " learns from no virtual examples", "leave it out");
    if (!options.initial && options.plan.starts_from.empty())  // a stage that is only planned has nothing yet
      throw Error(ErrorKind::usage, "method",
                  fmt::format("{} learns from what a trained net sees, and none is named", card.name()),
                  "give encoder=NAME, or init=RUN");
    hooks = std::move(own);
    if (!options.bank) options.bank = std::make_shared<FeatureBank>();
    hash = backbone_hash(*net);
  }

  /// Of examples that the stage learns from, all of them are asked for at once, whatever fold is held out, so that the
  /// bank has them under one name.
  Tensor rows(const ExampleStore& store, const std::vector<int64_t>& indices) {
    const FeatureBank::Question question{net, hash, options.normalization};
    if (&store != data.train.get()) return options.bank->rows(question, store, indices);
    std::vector<int64_t>& all = taught;
    if (all.empty()) {
      all = data.labeled.index;
      all.insert(all.end(), data.unlabeled.index.begin(), data.unlabeled.index.end());
      if (data.judge != Judge::none && &data.judged_store() == data.train.get())
        all.insert(all.end(), data.judged.index.begin(), data.judged.index.end());
      std::sort(all.begin(), all.end());
      all.erase(std::unique(all.begin(), all.end()), all.end());
      taught_rows = options.bank->rows(question, store, all);
    }
    if (!std::all_of(indices.begin(), indices.end(),
                     [&](int64_t index) { return std::binary_search(all.begin(), all.end(), index); }))
      return options.bank->rows(question, store, indices);
    return taught_rows.index_select(0, places_in(all, indices));
  }

  /// Of examples by their places in the pools, the labelled ones first.
  Tensor inputs(const std::vector<int64_t>& places) const {
    const auto bytes = static_cast<std::size_t>(data.train->layout().bytes());
    std::vector<uint8_t> views(bytes * places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const int64_t at = places[i] - data.labeled.size();
      data.train->fetch(at < 0 ? data.labeled.index[static_cast<std::size_t>(places[i])]
                               : data.unlabeled.index[static_cast<std::size_t>(at)],
                        views.data() + i * bytes);
    }
    return normalised(views.data(), static_cast<int64_t>(places.size()), options.normalization);
  }

  void learn_head() {
    const auto begun = std::chrono::steady_clock::now();
    auto* tuner = dynamic_cast<NetTuner*>(method.get());
    if (tuner) tuner->look_at([this](const std::vector<int64_t>& places) { return inputs(places); });
    learner->fit({.labeled = rows(*data.train, data.labeled.index),
                  .y = torch::tensor(data.labeled.label, torch::kLong),
                  .unlabeled = rows(*data.train, data.unlabeled.index)});
    fitted = true;
    if (tuner) {  // the net sees all with other eyes
      hash = backbone_hash(*net);
      taught.clear();
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const auto examples = static_cast<double>(data.labeled.size() + data.unlabeled.size());
    const double rate = examples / std::max(seconds, 1e-3);
    if (hooks.on_step) hooks.on_step({1, 1, rate, 0});
    if (hooks.on_log)
      hooks.on_log({1, 1, {}, {{"seconds", seconds}, {"examples_per_second", rate}, {"wait_share", 0.0}}});
  }

  const PreparedData& data;
  StageOptions options;
  Net net;  // that the method was made with
  std::unique_ptr<Method> method;
  Classifier* classifier = nullptr;
  Transcriber* transcriber = nullptr;
  MethodCard card;
  std::string initial_sentence;
  std::unique_ptr<Trainer> trainer;  // null where a head is learnt
  HeadLearner* learner = nullptr;
  TrainerHooks hooks;           // of a learner
  std::string hash;             // of its backbone
  std::vector<int64_t> taught;  // examples that it learns from, sorted, and
  Tensor taught_rows;           // their features
  bool fitted = false;
};

Stage::Stage(const PreparedData& data, StageOptions options, TrainerHooks hooks)
    : impl_(std::make_unique<Impl>(data, std::move(options), std::move(hooks))) {}
Stage::~Stage() = default;

int64_t Stage::resume() { return impl_->trainer ? impl_->trainer->resume() : 0; }
void Stage::run() { impl_->trainer ? impl_->trainer->run() : impl_->learn_head(); }
int64_t Stage::step() const { return impl_->trainer ? impl_->trainer->step() : impl_->fitted; }
int64_t Stage::steps() const { return impl_->trainer ? impl_->trainer->steps() : 1; }
AverageScope Stage::averaged() {
  return impl_->trainer ? impl_->trainer->averaged() : AverageScope([] {}, [] {});
}
double Stage::measure_step_seconds(int64_t warm, int64_t measured, double seconds) {
  return impl_->trainer ? impl_->trainer->measure_step_seconds(warm, measured, seconds) : 0;
}
std::string Stage::sentence() const { return impl_->learner ? impl_->learner->sentence() : std::string(); }
Method& Stage::method() { return *impl_->method; }
Classifier* Stage::classifier() { return impl_->classifier; }
Transcriber* Stage::transcriber() { return impl_->transcriber; }

std::vector<Transcript> Stage::transcripts(const ExampleStore& store, const std::vector<int64_t>& indices,
                                           int64_t beam) {
  const EvaluationScope evaluating(*impl_->method);
  const torch::Device device = device_of(*impl_->method);
  const Tensor flat = logits_of([&](const Tensor& x) { return impl_->transcriber->emissions(x.to(device)).flatten(1); },
                                store, indices, impl_->options.normalization);
  return transcripts_of(flat, impl_->data.dataset.classes, beam);
}

bool Stage::hands_on() const { return net_to_hand_on(*impl_->method, impl_->net) != nullptr; }
const MethodCard& Stage::card() const { return impl_->card; }
const std::string& Stage::initial_sentence() const { return impl_->initial_sentence; }

Tensor Stage::logits(const ExampleStore& store, const std::vector<int64_t>& indices) {
  const EvaluationScope evaluating(*impl_->method);
  const torch::Device device = device_of(*impl_->method);
  if (impl_->learner) {
    const torch::NoGradGuard no_gradient;
    return impl_->net->classify(impl_->rows(store, indices).to(device)).cpu();
  }
  return logits_of([&](const Tensor& x) { return impl_->classifier->logits(x.to(device)); }, store, indices,
                   impl_->options.normalization);
}

std::vector<std::vector<float>> Stage::weights(const ExampleStore& store, const std::vector<int64_t>& indices,
                                               const std::vector<int64_t>& classes) {
  const EvaluationScope evaluating(*impl_->method);
  return token_weights(*impl_->classifier->network(), store, indices, classes, impl_->options.normalization);
}

int64_t Stage::parameters() {
  int64_t count = 0;
  for (const Tensor& parameter : impl_->method->parameters()) count += parameter.numel();
  return count;
}

}  // namespace fewlabel
