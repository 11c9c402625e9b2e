#include "modalities/audio/log_mel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "modalities/audio/log_mel.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include "hwy/contrib/math/math-inl.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace fewlabel::audio::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
constexpr hn::CappedTag<float, 16> d;
constexpr hn::RebindToSigned<decltype(d)> di;
using V = hn::Vec<decltype(d)>;

/// A complex number a lane.
struct C {
  V re, im;
};
HWY_INLINE C load(const float* re, const float* im, int64_t at) {
  return {hn::LoadU(d, re + at), hn::LoadU(d, im + at)};
}
HWY_INLINE void store(const C& z, float* re, float* im, int64_t at) {
  hn::StoreU(z.re, d, re + at);
  hn::StoreU(z.im, d, im + at);
}
HWY_INLINE C operator+(const C& a, const C& b) { return {hn::Add(a.re, b.re), hn::Add(a.im, b.im)}; }
HWY_INLINE C operator-(const C& a, const C& b) { return {hn::Sub(a.re, b.re), hn::Sub(a.im, b.im)}; }
HWY_INLINE C operator*(const C& a, const C& b) {
  return {hn::Sub(hn::Mul(a.re, b.re), hn::Mul(a.im, b.im)), hn::Add(hn::Mul(a.re, b.im), hn::Mul(a.im, b.re))};
}
HWY_INLINE C times_i(const C& z) { return {hn::Neg(z.im), z.re}; }

/// exp(-2πi k / size)
HWY_INLINE C root(const Task& task, int64_t k) { return {hn::Set(d, task.cosine[k]), hn::Set(d, task.sine[k])}; }

/// One radix-4 pass of Stockham's transform of `length` runs of `run` values, which sorts as it goes.
HWY_INLINE void pass_by_four(const float* re, const float* im, float* to_re, float* to_im, int64_t length, int64_t run,
                             const Task& task, int64_t lanes) {
  const int64_t quarter = length / 4;
  for (int64_t p = 0; p < quarter; ++p) {
    const C w1 = root(task, p * run), w2 = root(task, 2 * p * run), w3 = root(task, 3 * p * run);
    for (int64_t q = 0; q < run; ++q) {
      const auto from = [&](int64_t part) { return load(re, im, (q + run * (p + part * quarter)) * lanes); };
      const auto to = [&](const C& z, int64_t part) { store(z, to_re, to_im, (q + run * (4 * p + part)) * lanes); };
      const C a = from(0), b = from(1), c = from(2), e = from(3);
      const C even = a + c, odd = b + e, turned = a - c, crossed = times_i(b - e);
      to(even + odd, 0);
      to(w1 * (turned - crossed), 1);
      to(w2 * (even - odd), 2);
      to(w3 * (turned + crossed), 3);
    }
  }
}

/// The last pass where the length is no power of four.
HWY_INLINE void pass_by_two(const float* re, const float* im, float* to_re, float* to_im, int64_t run, int64_t lanes) {
  for (int64_t q = 0; q < run; ++q) {
    const C a = load(re, im, q * lanes), b = load(re, im, (q + run) * lanes);
    store(a + b, to_re, to_im, q * lanes);
    store(a - b, to_re, to_im, (q + run) * lanes);
  }
}

/// Each lane takes two frames, one as the real part and one as the imaginary part of a complex signal.
void log_mel(const Task& task) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t size = task.size, block = size * lanes;
  float *re = task.work, *im = re + block, *other_re = im + block, *other_im = other_re + block;
  const V half = hn::Set(d, 0.5F), floor = hn::Set(d, kMelFloor);
  for (int64_t start = 0; start < task.frames; start += 2 * lanes) {
    HWY_ALIGN int32_t offsets[2][16];
    for (int64_t lane = 0; lane < lanes; ++lane) {
      offsets[0][lane] = static_cast<int32_t>(std::min(start + lane, task.frames - 1) * task.hop);
      offsets[1][lane] = static_cast<int32_t>(std::min(start + lanes + lane, task.frames - 1) * task.hop);
    }
    const auto frames_a = hn::Load(di, offsets[0]), frames_b = hn::Load(di, offsets[1]);
    for (int64_t n = 0; n < size; ++n) {
      const V weight = hn::Set(d, task.hann[n]);
      const bool inside = task.hann[n] != 0;  // the window is shorter than the transform
      const V a = inside ? hn::Mul(weight, hn::GatherIndex(d, task.padded + n, frames_a)) : hn::Zero(d);
      const V b = inside ? hn::Mul(weight, hn::GatherIndex(d, task.padded + n, frames_b)) : hn::Zero(d);
      store({a, b}, re, im, n * lanes);
    }
    for (int64_t length = size, run = 1; length > 1; length /= 4, run *= 4) {
      if (length == 2)
        pass_by_two(re, im, other_re, other_im, run, lanes);
      else
        pass_by_four(re, im, other_re, other_im, length, run, task, lanes);
      std::swap(re, other_re);
      std::swap(im, other_im);
    }
    // The two real signals are the even and the odd part of the spectrum; powers take the place of the other buffer.
    for (int64_t k = 0; k <= size / 2; ++k) {
      const int64_t mirror = (size - k) % size;
      const V zr = hn::LoadU(d, re + k * lanes), zi = hn::LoadU(d, im + k * lanes);
      const V yr = hn::LoadU(d, re + mirror * lanes), yi = hn::LoadU(d, im + mirror * lanes);
      const V ar = hn::Mul(half, hn::Add(zr, yr)), ai = hn::Mul(half, hn::Sub(zi, yi));
      const V br = hn::Mul(half, hn::Add(zi, yi)), bi = hn::Mul(half, hn::Sub(yr, zr));
      hn::StoreU(hn::Add(hn::Mul(ar, ar), hn::Mul(ai, ai)), d, other_re + k * lanes);
      hn::StoreU(hn::Add(hn::Mul(br, br), hn::Mul(bi, bi)), d, other_im + k * lanes);
    }
    HWY_ALIGN float column[2][16];
    for (int64_t m = 0; m < task.mels; ++m) {
      V a = hn::Zero(d), b = hn::Zero(d);
      const int64_t first = task.first[m] - task.begin[m];
      for (int64_t w = task.begin[m]; w < task.begin[m + 1]; ++w) {
        const V weight = hn::Set(d, task.weights[w]);
        a = hn::Add(a, hn::Mul(weight, hn::LoadU(d, other_re + (first + w) * lanes)));
        b = hn::Add(b, hn::Mul(weight, hn::LoadU(d, other_im + (first + w) * lanes)));
      }
      hn::StoreU(hn::Log(d, hn::Add(a, floor)), d, column[0]);
      hn::StoreU(hn::Log(d, hn::Add(b, floor)), d, column[1]);
      float* row = task.out + m * task.frames;
      for (int64_t part = 0; part < 2; ++part) {
        const int64_t at = start + part * lanes, count = std::min(lanes, task.frames - at);
        for (int64_t lane = 0; lane < count; ++lane) row[at + lane] = column[part][lane];
      }
    }
  }
}

}  // namespace fewlabel::audio::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fewlabel {
namespace audio {
HWY_EXPORT(log_mel);
}  // namespace audio

namespace {

/// Weights of each band for each bin of a transform of `size`: triangles between neighbouring mels.
std::vector<std::vector<float>> mel_bands(int64_t mels, int64_t size, int32_t rate) {
  const double top = rate / 2.0, step = mel_of(top) / static_cast<double>(mels + 1);
  std::vector<double> points;
  for (int64_t m = 0; m < mels + 2; ++m) points.push_back(hertz_of(step * static_cast<double>(m)));
  std::vector<std::vector<float>> bands(static_cast<std::size_t>(mels));
  for (std::size_t m = 0; m < bands.size(); ++m)
    for (int64_t k = 0; k <= size / 2; ++k) {
      const double hertz = top * static_cast<double>(k) / (static_cast<double>(size) / 2);
      const double up = (hertz - points[m]) / (points[m + 1] - points[m]);
      const double down = (points[m + 2] - hertz) / (points[m + 2] - points[m + 1]);
      bands[m].push_back(static_cast<float>(std::max(0.0, std::min(up, down))));
    }
  return bands;
}

bool has_empty(const std::vector<std::vector<float>>& bands) {
  return std::any_of(bands.begin(), bands.end(), [](const std::vector<float>& band) {
    return std::all_of(band.begin(), band.end(), [](float weight) { return weight == 0; });
  });
}

}  // namespace

double mel_of(double hertz) { return 2595 * std::log10(1 + hertz / 700); }

double hertz_of(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

LogMel::LogMel(const FrontEnd& front, int32_t rate)
    : mels_(front.mels), hop_(front.hop(rate)), window_(front.window(rate)) {
  constexpr int64_t kLargest = 1 << 14;
  size_ = 2;
  while (size_ < window_) size_ *= 2;
  std::vector<std::vector<float>> bands = mel_bands(mels_, size_, rate);
  while (has_empty(bands) && size_ < kLargest) bands = mel_bands(mels_, size_ *= 2, rate);
  const auto size = static_cast<std::size_t>(size_);
  hann_.assign(size, 0.0F);
  for (int64_t n = 0; n < window_; ++n)
    hann_[static_cast<std::size_t>((size_ - window_) / 2 + n)] = static_cast<float>(
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(window_)));
  for (std::size_t k = 0; k < size; ++k) {
    const double angle = -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(size_);
    cosine_.push_back(static_cast<float>(std::cos(angle)));
    sine_.push_back(static_cast<float>(std::sin(angle)));
  }
  for (const std::vector<float>& band : bands) {
    const auto some = [](float weight) { return weight > 0; };
    const auto first = std::find_if(band.begin(), band.end(), some);
    const auto last = std::find_if(band.rbegin(), band.rend(), some).base();
    begin_.push_back(static_cast<int32_t>(weights_.size()));
    first_.push_back(static_cast<int32_t>(first == band.end() ? 0 : first - band.begin()));
    if (first != band.end()) weights_.insert(weights_.end(), first, last);
  }
  begin_.push_back(static_cast<int32_t>(weights_.size()));
}

void LogMel::apply(const float* samples, int64_t frames, float* out) const {
  const int64_t count = frames * hop_, side = size_ / 2;
  thread_local std::vector<float> padded, work;
  padded.resize(static_cast<std::size_t>(count + size_));
  work.resize(static_cast<std::size_t>(4 * size_ * 16));
  std::memcpy(padded.data() + side, samples, static_cast<std::size_t>(count) * sizeof(float));
  // Reflected without the edge; a signal shorter than that is reflected again and again.
  const int64_t period = std::max<int64_t>(2 * (count - 1), 1);
  const auto reflected = [&](int64_t at) {
    const int64_t folded = ((at % period) + period) % period;
    return samples[std::min(folded < count ? folded : period - folded, count - 1)];
  };
  for (int64_t i = 1; i <= side; ++i) {
    padded[static_cast<std::size_t>(side - i)] = reflected(-i);
    padded[static_cast<std::size_t>(side + count + i - 1)] = reflected(count + i - 1);
  }
  HWY_DYNAMIC_DISPATCH(audio::log_mel)
  ({padded.data(), frames, hop_, size_, mels_, hann_.data(), cosine_.data(), sine_.data(), first_.data(), begin_.data(),
    weights_.data(), work.data(), out});
}

}  // namespace fewlabel
#endif  // HWY_ONCE
