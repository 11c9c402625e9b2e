// What `fewlabel bench` measures, one function each. Seconds are wall-clock time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fewlabel/image.h"
#include "fewlabel/train_config.h"

namespace fewlabel::measure {

/// A training step on random values, so that neither data nor augmentation is timed.
struct StepRequest {
  std::string method, net, precision, device = "cpu";
  std::optional<NetConfig> net_config;  // instead of `net` with its defaults
  int64_t batch = 64;
  Layout layout = ImageShape{32, 32, 3};
  int64_t steps = 3, warm = 2;
  int threads = 1;
  Json fields = Json::object();  // of the method
  double kept = -1;  // share of the pseudo-labels that tau is chosen to keep; -1: tau is a field like others
};
struct StepTimes {
  std::vector<double> wall, processor;  // seconds of each timed step
  int64_t examples = 0;                 // of a step, whatever the number of their views
  double kept = -1;                     // share of the pseudo-labels, where the method says
};
StepTimes time_steps(StepRequest request);
/// How many such steps take about 3 s: 3 to 200.
int64_t fitting_steps(StepRequest request);

/// Arithmetic of one step, counted by plain sums: {flop, bytes}.
Json count_step(StepRequest request);

/// The fastest of a few products of two square matrices: {fp32, bf16} in GFLOP/s.
Json peak_gflops();

/// Images a second and core: {weak, strong, simclr} of the policies that training uses by default.
Json augment_rates(int64_t side, int64_t channels);

/// A second at 16,000 samples a second, as a net sees it by default: 64 × 100.
Layout second_of_sound();
/// Views a second and core of such recordings: {plain, masked (SpecAugment alone), weak, strong}.
Json sound_rates();

/// Images a second that the loader delivers in `workers` threads, each with one weak and one strong view.
Json loader_rates(int64_t side, int64_t channels, int workers);

/// Writing one checkpoint of this net with momentum and average, verifying and reading it: seconds and size.
Json checkpoint_times(const std::string& net, int64_t side, int64_t channels);

double median(std::vector<double> values);

}  // namespace fewlabel::measure
