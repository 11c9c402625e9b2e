// Seconds that one training step takes: the trainer with any method and net on random pixels, so that neither data nor
// augmentation is timed. One line for a person, or with --json an object for a program.
//
//   step_bench --net wrn_28_2 --method fixmatch --batch 64 --side 32 --channels 3 --steps 5 mu=7
//
// What has a "=" is a field of the method. Compare with another program in the same minute, in turns, and compare
// cpu_seconds_per_step as well: on a shared machine wall-clock time measures the neighbours too.
#include <fmt/format.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>

#include "data/loader.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "fewlabel/trainer.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

struct Asked {
  std::string net = "wrn_28_2", method = "fixmatch", precision = "fp32", device = "cpu";
  int64_t batch = 64, side = 32, channels = 3, classes = 10, steps = 5, warm = 2;
  int threads = usable_threads();
  bool json = false;
  std::vector<std::string> fields;  // of the method: "mu=7"
};

/// The same random batch again and again.
class SameBatch final : public BatchSource {
 public:
  SameBatch(const Asked& asked, const Needs& needs) {
    const int64_t bytes = asked.side * asked.side * asked.channels;
    fill(batch_.labeled, needs.labeled.size(), needs.labeled.empty() ? 0 : asked.batch, bytes, asked.classes);
    fill(batch_.unlabeled, needs.unlabeled.size(), needs.unlabeled.empty() ? 0 : asked.batch * needs.ratio, bytes, 0);
  }
  const RawBatch& next() override { return batch_; }

 private:
  static void fill(RawViews& out, std::size_t views, int64_t count, int64_t bytes, int64_t classes) {
    Random random({.seed = 1, .purpose = "bench", .index = static_cast<uint64_t>(count)});
    for (std::size_t v = 0; v < views; ++v) {
      out.views.emplace_back(static_cast<std::size_t>(count * bytes));
      for (uint8_t& pixel : out.views.back()) pixel = static_cast<uint8_t>(random.below(256));
    }
    for (int64_t i = 0; i < count; ++i) {
      out.index.push_back(i);
      out.label.push_back(classes > 0 ? static_cast<int32_t>(i % classes) : kUnlabeled);
    }
  }
  RawBatch batch_;
};

Json method_fields(const std::vector<std::string>& texts) {
  Json fields = Json::object();
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) throw Error(ErrorKind::usage, text, "is no field of a method", "write KEY=VALUE");
    const std::string value = text.substr(equals + 1);
    fields[text.substr(0, equals)] = Json::accept(value) ? Json::parse(value) : Json(value);
  }
  return fields;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const Asked& asked) {
  tune_allocator();
  at::set_num_threads(asked.threads);
  const torch::Device device = choose_device(asked.device);
  const MethodInfo& info = find_method(asked.method);
  const bool labels = !info.learns_without_labels();
  const ImageShape shape{static_cast<int32_t>(asked.side), static_cast<int32_t>(asked.side),
                         static_cast<int32_t>(asked.channels)};
  NetConfig net_config;
  net_config.name = asked.net;
  const auto channels = static_cast<std::size_t>(asked.channels);
  Task task{.shape = shape,
            .classes = labels ? asked.classes : 0,
            .labeled = asked.batch,
            .unlabeled = 64 * asked.batch,
            .class_share = {},
            .steps = asked.warm + asked.steps,
            .seed = 1};
  task.mean.assign(channels, 0.5F);
  task.deviation.assign(channels, 0.25F);
  const auto method = info.make(method_fields(asked.fields), task, make_net(net_config, shape, task.classes, 1));
  method->to(device);

  TrainerOptions options;
  options.loop.steps = task.steps;
  options.loop.precision = asked.precision;
  options.loop.average = 0.999;
  options.optimizer.lr = 0.03;
  options.optimizer.weight_decay = 5e-4;
  options.shape = shape;
  options.mean = task.mean;
  options.deviation = task.deviation;
  std::vector<double> wall, cpu;
  auto started = std::chrono::steady_clock::now();
  double cpu_started = cpu_seconds();
  TrainerHooks hooks;
  hooks.on_step = [&](const StepRecord&) {
    finish_work(device);
    const auto now = std::chrono::steady_clock::now();
    wall.push_back(std::chrono::duration<double>(now - started).count());
    cpu.push_back(cpu_seconds() - cpu_started);
    started = std::chrono::steady_clock::now();
    cpu_started = cpu_seconds();
  };
  Trainer trainer(
      *method, options, [&](int64_t) { return std::make_unique<SameBatch>(asked, method->needs()); }, hooks);
  trainer.run();
  wall.erase(wall.begin(), wall.begin() + asked.warm);
  cpu.erase(cpu.begin(), cpu.begin() + asked.warm);

  const Needs needs = method->needs();
  const auto images = static_cast<double>(asked.batch) * (needs.labeled.empty() ? 0.0 : 1.0) +
                      static_cast<double>(needs.unlabeled.empty() ? 0 : asked.batch * needs.ratio);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double seconds = median(wall);
  const Json result{{"net", asked.net},
                    {"method", asked.method},
                    {"batch", asked.batch},
                    {"side", asked.side},
                    {"channels", asked.channels},
                    {"device", asked.device},
                    {"precision", asked.precision},
                    {"threads", asked.threads},
                    {"steps", asked.steps},
                    {"seconds_per_step", seconds},
                    {"fastest_step", *std::min_element(wall.begin(), wall.end())},
                    {"cpu_seconds_per_step", median(cpu)},
                    {"images_per_second", images / seconds},
                    {"page_faults", usage.ru_minflt},
                    {"peak_mib", usage.ru_maxrss / 1024}};
  if (asked.json)
    std::cout << result.dump() << '\n';
  else
    fmt::print("{} {} batch {}: {:.4f} s a step (fastest {:.4f}, processor {:.4f}), {:.0f} images/s, {} MiB\n",
               asked.net, asked.method, asked.batch, seconds, *std::min_element(wall.begin(), wall.end()), median(cpu),
               images / seconds, usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace fewlabel

int main(int argc, char** argv) {
  fewlabel::Asked asked;
  CLI::App app("Seconds that one training step takes, on random pixels.");
  app.add_option("--net", asked.net);
  app.add_option("--method", asked.method);
  app.add_option("--batch", asked.batch, "labelled examples a step; examples where the method takes no labels");
  app.add_option("--side", asked.side);
  app.add_option("--channels", asked.channels);
  app.add_option("--classes", asked.classes);
  app.add_option("--device", asked.device, "cpu, cuda or auto");
  app.add_option("--precision", asked.precision, "fp32 or bf16");
  app.add_option("--threads", asked.threads);
  app.add_option("--steps", asked.steps, "timed ones")->check(CLI::PositiveNumber);
  app.add_option("--warm", asked.warm, "steps before them");
  app.add_flag("--json", asked.json);
  app.add_option("fields", asked.fields, "of the method: KEY=VALUE");
  CLI11_PARSE(app, argc, argv);
  try {
    fewlabel::run(asked);
  } catch (const fewlabel::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
