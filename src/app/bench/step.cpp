#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

#include "app/arithmetic.h"
#include "app/bench/measure.h"
#include "data/loader.h"
#include "fewlabel/random.h"
#include "fewlabel/trainer.h"
#include "kernels/convolution.h"
#include "train/batches.h"
#include "train/device.h"

namespace fewlabel::measure {
namespace {

constexpr int64_t kClasses = 10;

/// The same random batch again and again.
class SameBatch final : public BatchSource {
 public:
  SameBatch(const StepRequest& request, const Needs& needs) {
    const Layout& layout = request.layout;
    fill(batch_.labeled, needs.labeled.size(), needs.labeled.empty() ? 0 : request.batch, layout, kClasses);
    fill(batch_.unlabeled, needs.unlabeled.size(), needs.unlabeled.empty() ? 0 : request.batch * needs.ratio, layout,
         0);
  }
  const RawBatch& next() override { return batch_; }

 private:
  static void draw(std::vector<uint8_t>& values, const Layout& layout, Random& random) {
    if (layout.type == Layout::Type::u8) {
      for (uint8_t& value : values) value = static_cast<uint8_t>(random.below(256));
      return;
    }
    if (layout.type == Layout::Type::i32) return draw_texts(values, layout, random);
    for (std::size_t at = 0; at < values.size(); at += 4) {
      const auto number = static_cast<float>(random.normal());
      std::memcpy(values.data() + at, &number, sizeof number);
    }
  }

  /// Of a quarter of the places to all of them, all lengths alike.
  static void draw_texts(std::vector<uint8_t>& values, const Layout& layout, Random& random) {
    const auto places = static_cast<std::size_t>(layout.values()), least = (places + 3) / 4;
    const auto words = static_cast<uint32_t>(std::max(layout.vocabulary - 1, 1));
    for (std::size_t text = 0; text < values.size(); text += 4 * places) {
      const std::size_t length = least + random.below(static_cast<uint32_t>(places - least + 1));
      for (std::size_t i = 0; i < places; ++i) {
        const auto id = static_cast<int32_t>(i < length ? 1 + random.below(words) : 0);
        std::memcpy(values.data() + text + 4 * i, &id, sizeof id);
      }
    }
  }

  static void fill(RawViews& out, std::size_t views, int64_t count, const Layout& layout, int64_t classes) {
    Random random({.seed = 1, .purpose = "bench", .index = static_cast<uint64_t>(count)});
    for (std::size_t v = 0; v < views; ++v) {
      out.views.emplace_back(static_cast<std::size_t>(count * layout.bytes()));
      draw(out.views.back(), layout, random);
    }
    for (int64_t i = 0; i < count; ++i) {
      out.index.push_back(i);
      out.label.push_back(classes > 0 ? static_cast<int32_t>(i % classes) : kUnlabeled);
    }
  }
  RawBatch batch_;
};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// libtorch's kernels alone while it lives.
class PlainKernels {
 public:
  PlainKernels() { kernels::enable(false); }
  ~PlainKernels() { kernels::enable(true); }
};

Task task_of(const StepRequest& request) {
  const std::size_t channels =
      request.layout.type == Layout::Type::i32 ? 0 : static_cast<std::size_t>(request.layout.sizes.back());
  const MethodInfo& info = find_method(request.method);
  std::vector<std::vector<int32_t>> transcripts;
  if (info.transcribes) transcripts.assign(static_cast<std::size_t>(request.batch), {1, 2, 3, 4, 5});
  return {.layout = request.layout,
          .classes = info.learns_without_labels() ? 0 : kClasses,
          .labeled = request.batch,
          .unlabeled = 64 * request.batch,
          .class_share = {},
          .steps = request.warm + request.steps,
          .seed = 1,
          .mean = std::vector<float>(channels, 0.5F),
          .deviation = std::vector<float>(channels, 0.25F),
          .transcripts = std::move(transcripts)};
}

Net net_of(const StepRequest& request, const Task& task) {
  NetConfig net = request.net_config.value_or(NetConfig());
  if (!request.net_config) net.name = request.net;
  return make_net(net, task.layout, task.classes, 1);
}

/// The threshold that the wanted share of the weak views passes at the start.
double threshold_for(const StepRequest& request) {
  const Task task = task_of(request);
  const Net net = net_of(request, task);
  SameBatch source(request, find_method(request.method).make(request.fields, task, net)->needs());
  const RawBatch& raw = source.next();
  const Tensor weak =
      normalised(raw.unlabeled.views.at(0).data(), raw.unlabeled.size(), {task.layout, task.mean, task.deviation});
  const at::NoGradGuard no_gradient;
  const Tensor confidence = std::get<0>(torch::softmax(net->forward(weak), 1).max(1));
  return torch::quantile(confidence, 1 - request.kept).item<double>();
}

}  // namespace

StepTimes time_steps(StepRequest request) {
  at::set_num_threads(request.threads);
  const torch::Device device = choose_device(request.device);
  const bool still = request.kept >= 0;  // then the weights do not move, as the share would move with them
  if (still) request.fields["tau"] = threshold_for(request);
  const Task task = task_of(request);
  const auto method = find_method(request.method).make(request.fields, task, net_of(request, task));
  const Needs needs = method->needs();
  method->to(device);

  TrainerOptions options;
  options.loop.steps = task.steps;
  options.loop.precision = request.precision;
  options.loop.average = 0.999;
  options.optimizer.lr = still ? 0 : 0.03;
  if (still) options.loop.log_every = 1;  // the share is asked for
  options.optimizer.weight_decay = 5e-4;
  options.layout = task.layout;
  options.mean = task.mean;
  options.deviation = task.deviation;
  StepTimes times;
  times.examples =
      (needs.labeled.empty() ? 0 : request.batch) + (needs.unlabeled.empty() ? 0 : request.batch * needs.ratio);
  auto started = std::chrono::steady_clock::now();
  double processor_started = processor_seconds();
  TrainerHooks hooks;
  hooks.on_log = [&](const LogRecord& record) {
    if (const auto kept = record.values.find("pseudo_labels/kept"); kept != record.values.end())
      times.kept = kept->second;
  };
  hooks.on_step = [&](const StepRecord& record) {
    finish_work(device);
    const auto now = std::chrono::steady_clock::now();
    if (record.step > request.warm) {
      times.wall.push_back(std::chrono::duration<double>(now - started).count());
      times.processor.push_back(processor_seconds() - processor_started);
    }
    started = std::chrono::steady_clock::now();
    processor_started = processor_seconds();
  };
  Trainer(
      *method, options, [&](int64_t) { return std::make_unique<SameBatch>(request, needs); }, hooks)
      .run();
  return times;
}

int64_t fitting_steps(StepRequest request) {
  request.steps = 1;
  const double seconds = median(time_steps(request).wall);
  return std::clamp(static_cast<int64_t>(3 / seconds), int64_t{3}, int64_t{200});
}

Json count_step(StepRequest request) {
  request.warm = 0;
  request.steps = 1;
  request.precision = "fp32";
  request.device = "cpu";
  if (request.kept >= 0) request.fields["tau"] = threshold_for(request);
  request.kept = -1;
  const PlainKernels plain;  // ours do not pass through libtorch, where the count is taken
  const ArithmeticCount count;
  time_steps(request);
  return {{"flop", count.so_far().flop}, {"bytes", count.so_far().bytes}};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace fewlabel::measure
