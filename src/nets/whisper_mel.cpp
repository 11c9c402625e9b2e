#include "nets/whisper_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace fewlabel {
namespace {

constexpr int64_t kFrequencies = kWhisperWindow / 2 + 1;

/// Slaney's scale: linear up to 1 kHz, then by the logarithm (Auditory Toolbox, 1998).
constexpr double kBreak = 1000, kLinear = 3.0 / 200;
double steepness() { return 27 / std::log(6.4); }
double slaney_of(double hertz) {
  return hertz < kBreak ? hertz * kLinear : kBreak * kLinear + std::log(hertz / kBreak) * steepness();
}
double slaney_hertz(double mel) {
  return mel < kBreak * kLinear ? mel / kLinear : kBreak * std::exp((mel - kBreak * kLinear) / steepness());
}

Tensor slaney_bands(int64_t bands) {
  const double top = kWhisperRate / 2.0;
  std::vector<double> points;
  for (int64_t m = 0; m < bands + 2; ++m)
    points.push_back(slaney_hertz(slaney_of(top) * static_cast<double>(m) / static_cast<double>(bands + 1)));
  Tensor weights = torch::zeros({kFrequencies, bands}, torch::kDouble);
  auto at = weights.accessor<double, 2>();
  for (int64_t m = 0; m < bands; ++m) {
    const double *point = points.data() + m, area = 2 / (point[2] - point[0]);
    for (int64_t k = 0; k < kFrequencies; ++k) {
      const double hertz = top * static_cast<double>(k) / (kFrequencies - 1);
      const double up = (hertz - point[0]) / (point[1] - point[0]), down = (point[2] - hertz) / (point[2] - point[1]);
      at[k][m] = area * std::max(0.0, std::min(up, down));
    }
  }
  return weights;
}

Tensor windowed_waves() {
  const Tensor n = torch::arange(kWhisperWindow, torch::kDouble), k = torch::arange(kFrequencies, torch::kDouble);
  const double turn = 2 * std::numbers::pi / kWhisperWindow;
  const Tensor hann = 0.5 - 0.5 * (n * turn).cos();
  const Tensor angle = n.unsqueeze(1) * k * turn;
  return torch::cat({angle.cos(), angle.sin()}, 1) * hann.unsqueeze(1);
}

}  // namespace

WhisperMel::WhisperMel(int64_t bands) : waves_(windowed_waves()), weights_(slaney_bands(bands)) {}

/// In double: a transform by products is quick enough for frames as short as these, and quiet bands lie 80 dB below.
Tensor WhisperMel::of(const Tensor& samples) const {
  const int64_t frames = samples.size(1) / kWhisperHop, side = kWhisperWindow / 2;
  const Tensor padded = torch::reflection_pad1d(samples.to(torch::kDouble).unsqueeze(1), {side, side}).squeeze(1);
  const Tensor windows = padded.unfold(1, kWhisperWindow, kWhisperHop).slice(1, 0, frames);
  const Tensor spectrum = torch::matmul(windows, waves_.to(samples.device()));
  const Tensor power = spectrum.slice(2, 0, kFrequencies).square() + spectrum.slice(2, kFrequencies).square();
  const Tensor level = torch::matmul(power, weights_.to(samples.device())).clamp_min(1e-10).log10();
  const Tensor floor = level.amax({1, 2}, true) - 8.0;
  return ((torch::maximum(level, floor) + 4.0) / 4.0).transpose(1, 2).to(torch::kFloat);
}

}  // namespace fewlabel
