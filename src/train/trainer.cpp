#include "fewlabel/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "core/cancel.h"
#include "core/json_text.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "train/batches.h"
#include "train/checkpoint.h"
#include "train/collapse.h"
#include "train/device.h"
#include "train/module_state.h"
#include "train/pace.h"
#include "train/precision.h"
#include "train/replay.h"
#include "train/schedule.h"
#include "train/step.h"
#include "train/torch_compat.h"
#include "train/trust.h"

namespace fewlabel {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kFormat = 2;  // of what a checkpoint's state.json says

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The sentence of a libtorch error, without its C++ stack.
[[noreturn]] void rethrow(const c10::Error& error, const std::string& method, int64_t step) {
  const std::string sentence = split_text(error.what_without_backtrace(), '\n').front();
  if (sentence.find("allocate memory") != std::string::npos || sentence.find("out of memory") != std::string::npos)
    throw Error(ErrorKind::memory, "train", fmt::format("not enough memory in step {}: {}", step + 1, sentence),
                "use a smaller train.batch, and train.accumulate to keep the update the same");
  if (sentence.find("more than 1 value per channel") != std::string::npos)
    throw Error(ErrorKind::usage, "train.batch",
                fmt::format("one example a step is too few for the batch norm of {} and its net", method),
                "train.batch=2 or more, and train.accumulate for larger updates");
  throw Error(ErrorKind::failure, "method " + method, fmt::format("failed in step {}: {}", step + 1, sentence));
}

StepSettings step_settings(const TrainerOptions& options) {
  return {options.optimizer, options.loop.average, options.loop.accumulate, options.method_name, options.hidden_labels};
}

}  // namespace

struct Trainer::Impl {
  Method& method;
  TrainerOptions options;
  OpenBatches open;
  TrainerHooks hooks;
  Precision precision;
  Schedule schedule;
  torch::Device device;
  BatchMover mover;
  TrainerStep step;
  WatchedStep watched;
  CollapseMonitor collapse;
  TrustMonitor trust;
  std::optional<StepReplay> replay;
  std::optional<CheckpointStore> store;

  Pace pace;
  int64_t done = 0;
  double before = 0;            // seconds trained by earlier processes of this run
  bool evaluated = true;        // false: a signal came before the evaluation that is due had ended
  std::string last_checkpoint;  // path
  std::unique_ptr<BatchSource> source;

  Impl(Method& of, TrainerOptions all, OpenBatches batches, TrainerHooks called)
      : method(of),
        options(std::move(all)),
        open(std::move(batches)),
        hooks(std::move(called)),
        precision(parse_precision(options.loop.precision)),
        schedule{parse_schedule(options.optimizer.schedule), options.optimizer.warmup, options.loop.steps},
        device(prepare(method)),
        mover({options.layout, options.mean, options.deviation}, device),
        step(method, step_settings(options)),
        watched(step),
        collapse(method.needs(), options.loop.steps, options.optimizer.warmup),
        trust(options.loop.steps),
        pace(options.loop.steps) {
    // The shapes of a step do not change, so that a search for the fastest convolutions pays.
    if (device.is_cuda()) at::globalContext().setBenchmarkCuDNN(true);
    if (device.is_cuda() && options.loop.cuda_graphs && options.loop.accumulate == 1 && method.replayable())
      if (auto found = find_recorder(); found.recorder)
        replay.emplace(method, step, watched, std::move(found.recorder));
    if (!options.checkpoints.empty()) store.emplace(options.checkpoints, options.conduct.checkpoints);
  }

  // Channels-last weights make every convolution after them channels-last, which oneDNN computes without reordering and
  // cuDNN's tensor cores want.
  static torch::Device prepare(Method& method) {
    const at::NoGradGuard no_gradient;
    torch::Device device = torch::kCPU;
    for (const Tensor& parameter : method.parameters()) {
      if (parameter.dim() == 4) Tensor(parameter).set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
      device = parameter.device();
    }
    return device;
  }

  int64_t update(BatchSource& batches);
  void record(int64_t images, double seconds, double waited);
  void watch_embeddings(const LogRecord& log);
  void watch_trust(const LogRecord& log);
  void tell_of_replay();
  void evaluate();
  Checkpoint collect();
  void restore(const Checkpoint& checkpoint);
  void save();
  void stop_if_cancelled();
};

// One optimiser update; returns how many examples it saw.
int64_t Trainer::Impl::update(BatchSource& batches) {
  // What a method draws with libtorch (noise, masks) is keyed by the step, as everything else is.
  torch::manual_seed(Random({options.seed, "torch", 0, static_cast<uint64_t>(done)}).bits());
  const double lr = options.optimizer.lr * schedule.factor(pace.place(done));
  int64_t images = 0;
  try {
    for (int64_t micro = 0; micro < options.loop.accumulate; ++micro) {
      const Batch batch = mover.batch(batches.next());
      images += batch.labeled.index.size(0) + batch.unlabeled.index.size(0);
      step.place({done, lr, batch.unlabeled.index, last_checkpoint});
      const AutocastScope autocast(precision, device.type());
      replay ? replay->learn(batch) : method.learn(batch, watched);
    }
    if (!step.take_minimized())
      throw Error(ErrorKind::failure, "method " + options.method_name, "learn() minimised nothing");
    const at::NoGradGuard no_gradient;
    method.updated(pace.place(done + 1) / static_cast<double>(pace.planned()));
  } catch (const c10::Error& error) {
    rethrow(error, options.method_name, done);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::memory, "train", fmt::format("not enough memory in step {}", done + 1),
                "use a smaller train.batch, and train.accumulate to keep the update the same");
  }
  step.metrics().add("lr", lr);
  ++done;
  return images;
}

void Trainer::Impl::record(int64_t images, double seconds, double waited) {
  step.check_norms();
  tell_of_replay();
  LogRecord log{done, pace.total(), step.metrics().take(), {}};
  watch_embeddings(log);
  watch_trust(log);
  if (!hooks.on_log) return;
  const double rate = seconds > 0 ? static_cast<double>(images) / seconds : 0;
  log.timing = {{"seconds", before}, {"examples_per_second", rate}, {"wait_share", waited}};
  hooks.on_log(log);
}

void Trainer::Impl::watch_embeddings(const LogRecord& log) {
  const auto spread = log.values.find("embedding/spread"), rank = log.values.find("embedding/rank");
  if (spread == log.values.end() || rank == log.values.end() || !hooks.on_warning) return;
  if (const auto warning = collapse.read({done, spread->second, rank->second, watched.directions()}))
    hooks.on_warning(*warning);
}

void Trainer::Impl::watch_trust(const LogRecord& log) {
  const auto found = log.values.find("unlabeled/trust");
  if (found == log.values.end() || !hooks.on_warning) return;
  if (const auto warning = trust.read(done, found->second)) hooks.on_warning(*warning);
}

void Trainer::Impl::tell_of_replay() {
  if (!replay || replay->failure().empty()) return;
  if (hooks.on_warning)
    hooks.on_warning(
        fmt::format("a step of {} could not be recorded for the GPU and is started anew each time, which "
                    "is slower: {}",
                    options.method_name, replay->failure()));
  replay.reset();
}

void Trainer::Impl::evaluate() {
  if (!hooks.on_evaluate) return;
  step.check_norms();
  const at::NoGradGuard no_gradient;
  const AverageScope average([this] { step.enter_average(); }, [this] { step.leave_average(); });
  const EvaluationScope evaluation(method);
  evaluated = false;
  try {
    hooks.on_evaluate(done);
    evaluated = true;
  } catch (const Error&) {
    if (!cancelled()) throw;  // else what comes next saves; a resumed training makes up for the evaluation
  }
}

Checkpoint Trainer::Impl::collect() {
  Checkpoint all;
  all.model = state_of(method);
  const Json counts = step.save(all.optimizer, all.average);
  all.state = {{"format", kFormat},
               {"step", done},
               {"steps", pace.planned()},
               {"pace", pace.save()},
               {"micro_batches", done * options.loop.accumulate},
               {"seconds", before},
               {"seed", options.seed},
               {"groups", counts},
               {"metrics", step.metrics().save()},
               {"evaluated", evaluated},
               {"identity", options.identity}};
  return all;
}

void Trainer::Impl::restore(const Checkpoint& checkpoint) {
  load_state(method, checkpoint.model);
  step.load(checkpoint.optimizer, checkpoint.average, checkpoint.state.at("groups"));
  step.metrics().load(checkpoint.state.at("metrics"));
  pace.load(checkpoint.state.at("pace"));
  done = checkpoint.state.at("step").get<int64_t>();
  before = checkpoint.state.at("seconds").get<double>();
  evaluated = checkpoint.state.value("evaluated", true);
}

void Trainer::Impl::save() {
  if (!store) return;
  step.check_norms();  // weights that are no numbers must not become the last good checkpoint
  const auto path = store->save(done, collect());
  last_checkpoint = path.string();
  if (hooks.on_checkpoint) hooks.on_checkpoint(done, path);
}

void Trainer::Impl::stop_if_cancelled() {
  const auto kind = cancelled();
  if (!kind) return;
  save();
  std::string hint = "nothing was saved, as this run has no checkpoints";
  if (store) hint = "it was saved; go on with: " + options.resume_command;
  throw Error(*kind, "train", fmt::format("stopped after step {} of {}", done, pace.total()), hint);
}

Trainer::Trainer(Method& method, TrainerOptions options, OpenBatches open, TrainerHooks hooks)
    : impl_(std::make_unique<Impl>(method, std::move(options), std::move(open), std::move(hooks))) {}
Trainer::~Trainer() = default;

int64_t Trainer::step() const { return impl_->done; }
int64_t Trainer::steps() const { return impl_->pace.total(); }

AverageScope Trainer::averaged() {
  return AverageScope([this] { impl_->step.enter_average(); }, [this] { impl_->step.leave_average(); });
}

int64_t Trainer::resume() {
  Impl& all = *impl_;
  if (!all.store) return 0;
  const auto found = all.store->newest();
  if (!found) return 0;
  for (const std::string& reason : found->skipped)
    if (all.hooks.on_warning) all.hooks.on_warning(reason);
  const Json& state = found->checkpoint.state;
  if (const Json format = state.value("format", Json()); format != kFormat)
    throw Error(ErrorKind::storage, found->path.string(),
                fmt::format("is a checkpoint of format {}, wanted {}", json_text(format), kFormat),
                "go on with the version of fewlabel that wrote it, or start the run anew");
  if (state.at("identity") != all.options.identity || state.at("steps") != all.pace.planned() ||
      state.at("seed") != all.options.seed)
    throw Error(ErrorKind::storage, found->path.string(), "belongs to a run with another configuration",
                "resume with the plan of that run, or start a new one with out=NAME");
  all.restore(found->checkpoint);
  all.last_checkpoint = found->path.string();
  return all.done;
}

void Trainer::run() {
  Impl& all = *impl_;
  const LoopPlan& loop = all.options.loop;
  const int64_t evaluate_every =
      loop.evaluate_every > 0 ? loop.evaluate_every : std::max<int64_t>(all.pace.planned() / 20, 1);
  const double before = all.before;
  const auto start = Clock::now();
  auto saved = start, logged = start;
  double step_seconds = 0, waited = 0;
  int64_t images = 0;
  Budget budget(60 * loop.minutes, all.done, before);
  if (!all.evaluated) all.evaluate();
  if (all.done < all.pace.total()) all.source = all.open(all.done * loop.accumulate);
  while (all.done < all.pace.total()) {
    const auto began = Clock::now();
    const int64_t seen = all.update(*all.source);
    images += seen;
    all.before = before + seconds_since(start);
    if (const int64_t total = budget.fitting(all.done, all.before, all.pace.total())) all.pace.correct(all.done, total);
    const bool last = all.done == all.pace.total();
    const double taken = seconds_since(began);
    step_seconds = step_seconds == 0 ? taken : 0.95 * step_seconds + 0.05 * taken;
    const double eta = step_seconds * static_cast<double>(all.pace.total() - all.done);
    if (all.hooks.on_step)
      all.hooks.on_step({all.done, all.pace.total(), static_cast<double>(seen) / std::max(step_seconds, 1e-9), eta});
    if (last || all.done % loop.log_every == 0) {
      finish_work(all.device);
      const double interval = seconds_since(logged), now_waited = all.source->waited();
      const double share = interval > 0 ? (now_waited - waited) / interval : 0;
      all.record(images, interval, share);
      logged = Clock::now();
      waited = now_waited;
      images = 0;
    }
    if (last || all.done % evaluate_every == 0) all.evaluate();
    if (!last) all.stop_if_cancelled();
    if (last || seconds_since(saved) >= all.options.conduct.checkpoint_seconds) {
      all.save();
      saved = Clock::now();
    }
  }
  all.source.reset();
}

double Trainer::measure_step_seconds(int64_t warm, int64_t measured, double seconds) {
  Impl& all = *impl_;
  Checkpoint before = all.collect();
  for (TensorMap* tensors : {&before.model, &before.optimizer, &before.average})
    for (auto& entry : *tensors) entry.second = entry.second.detach().clone();
  const Pace pace = all.pace;
  all.pace = Pace(std::max(pace.planned(), warm + measured));
  const auto source = all.open(0);
  const auto begin = Clock::now();
  const auto updates = [&](int64_t count, double until) {
    int64_t done = 0;
    while (done == 0 || (done < count && seconds_since(begin) < until)) {
      stop_if_cancelled("train", "stopped while the time of a step was measured");
      all.update(*source);
      ++done;
    }
    finish_work(all.device);
    return done;
  };
  updates(warm, 0.4 * seconds);
  const auto start = Clock::now();
  const int64_t count = updates(measured, seconds);
  all.step.check_norms();
  const double each = seconds_since(start) / static_cast<double>(count);
  all.restore(before);
  all.pace = pace;
  return each;
}

}  // namespace fewlabel
