#include "modalities/audio/modality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "core/base64.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "modalities/audio/reading.h"
#include "modalities/audio/views.h"
#include "modalities/image/decode/encode.h"

namespace fewlabel {
namespace {

/// Part of every key in the disk cache: raise it when the same file gives other samples.
constexpr const char* kReader = "sound2";
constexpr int32_t kHighestUsual = 16'000;  // above it speech has little to say; who needs more says data.rate
constexpr double kLongestView = 4;         // seconds that most recordings are seen whole in
constexpr int64_t kLongestLooked = 600;    // seconds of a recording that are looked at where nobody says how many
constexpr int64_t kMostViews = 8;          // lengths of a view that are kept of a recording
constexpr int64_t kSketchMels = 16, kSketchFrames = 16;

/// Colours of a spectrogram, dark to bright, as a few points between which they are mixed (after Viridis).
constexpr uint8_t kColours[][3] = {{13, 8, 45}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};

class AudioModality final : public Modality {
 public:
  explicit AudioModality(const FrontEnd& front) : front_(std::make_shared<const Front>(front)) {}

  Kind kind() const override { return Kind::audio; }

  Layout own_layout(const std::string& where, const Raw& head) const override {
    const SoundHeader header = sound_header(where, head);
    const int64_t frames = std::min(header.frames, kLongestLooked * header.rate);
    return settings().seen(frames, header.rate, frames);
  }

  Layout guess(const Source& source, int64_t sample) const override;

  void check(const Layout& layout) const override {
    const bool whole = layout.kind == Kind::audio && layout.type == Layout::Type::f32 && layout.rate > 0;
    if (!whole || layout != settings().seen(settings().samples(layout), layout.rate, layout.longest))
      throw Error(ErrorKind::usage, "data", "recordings cannot be brought into such a layout",
                  "the model was made with other settings of mels, window and hop");
  }

  Layout kept(const Layout& seen) const override { return kept_sound(seen); }

  void decode(const std::string& where, const Raw& raw, const Layout& layout, uint8_t* out) const override {
    const std::vector<float> samples =
        read_sound(where, raw, {layout.rate, layout.longest, settings().channel, settings().trim});
    std::memset(out, 0, static_cast<std::size_t>(layout.bytes()));
    const auto length = static_cast<int32_t>(samples.size());
    std::memcpy(out, &length, sizeof(length));
    std::memcpy(out + sizeof(length), samples.data(), samples.size() * sizeof(float));
  }

  int64_t parts(const uint8_t* kept, const Layout& seen) const override { return sound_parts(kept, seen, settings()); }
  void plain(const uint8_t* kept, const Layout& seen, int64_t part, uint8_t* out) const override {
    plain_sound(kept, seen, part, *front_, out);
  }

  std::string format(const Raw& raw) const override {
    try {
      return sound_header("", raw).format;
    } catch (const Error&) {
      return "unknown";
    }
  }

  std::unique_ptr<Transform> transform(const std::string& policy) const override {
    return make_sound_transform(policy, front_);
  }
  ViewPolicies policies(const Layout& /*layout*/) const override { return sound_policies(settings()); }

  Normalization measure(const ExampleStore& store, const std::vector<int64_t>& indices, int64_t sample) const override;
  Json show(const Exhibited& example, int32_t most) const override;

  /// A small spectrogram; levels are of natural logarithms.
  Likeness likeness() const override {
    return settings().mels > 0 ? Likeness{kSketchMels * kSketchFrames, 0.995, 0.3, 0.1} : Likeness{};
  }
  void sketch(const uint8_t* example, const Layout& layout, float* out) const override;

  std::string fingerprint() const override {
    return fmt::format("{}-{}-{}", kReader, settings().channel, settings().trim);
  }
  void write(const std::filesystem::path& folder) const override { write_front_end(folder, settings()); }

 private:
  const FrontEnd& settings() const { return front_->settings(); }
  std::shared_ptr<const Front> front_;
};

Layout AudioModality::guess(const Source& source, int64_t sample) const {
  constexpr int64_t kEnough = 1000;  // lengths differ more than sizes of images do
  const int64_t count = std::min(source.size(), std::max(sample, kEnough));
  std::map<int32_t, int64_t> rates;
  std::vector<double> seconds;
  std::string reason;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t index = k * source.size() / count;
    try {
      const SoundHeader header = sound_header(source.name(index), source.head(index));
      ++rates[header.rate];
      seconds.push_back(static_cast<double>(header.frames) / header.rate);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      if (reason.empty()) reason = error.where() + ": " + error.message();
    }
  }
  if (seconds.empty())
    throw_data("data", source.size() == 0 ? "there is no example" : "no recording can be read; the first: " + reason);
  const auto commonest =
      std::max_element(rates.begin(), rates.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const int32_t rate = std::min(commonest->first, kHighestUsual);
  std::sort(seconds.begin(), seconds.end());
  const double view = std::clamp(seconds[(seconds.size() - 1) * 95 / 100], 0.1, kLongestView);
  const Layout seen = settings().seen(std::lround(view * rate), rate, 0);
  const int64_t longest = std::lround(seconds.back() * rate), samples = settings().samples(seen);
  return settings().seen(samples, rate, std::min(longest, kMostViews * samples));
}

Normalization AudioModality::measure(const ExampleStore& store, const std::vector<int64_t>& indices,
                                     int64_t sample) const {
  const Layout& layout = store.layout();
  const auto total = static_cast<int64_t>(indices.size()), wanted = std::min<int64_t>(sample, total);
  std::vector<float> values(static_cast<std::size_t>(layout.values()));
  double mean = 0, square = 0, count = 0;
  Work work("measuring recordings", wanted);
  for (int64_t i = 0; i < wanted; ++i) {
    work.advance();
    if (!store.try_fetch(indices[static_cast<std::size_t>(i * total / wanted)],
                         reinterpret_cast<uint8_t*>(values.data())))
      continue;
    for (const float value : values) {
      const double delta = value - mean;
      mean += delta / ++count;
      square += delta * (value - mean);
    }
  }
  const double deviation = std::sqrt(square / std::max(count, 1.0));
  return {layout, {static_cast<float>(mean)}, {static_cast<float>(deviation > 1e-6 ? deviation : 1.0)}};
}

/// From the file itself: all of it, up to what is kept.
Json AudioModality::show(const Exhibited& example, int32_t most) const {
  const Layout& seen = example.store.layout();
  std::vector<float> samples = {0};
  try {
    const std::string name = example.source.name(example.index);
    samples = read_sound(name, example.source.raw(example.index),
                         {seen.rate, seen.longest, settings().channel, settings().trim});
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::data) throw;
  }
  FrontEnd picture = settings();
  if (picture.mels == 0) picture.mels = FrontEnd{}.mels;
  const LogMel bands(picture, seen.rate);
  const int64_t frames = std::max<int64_t>(1, static_cast<int64_t>(samples.size()) / bands.hop());
  std::vector<float> heard = samples, levels(static_cast<std::size_t>(bands.mels() * frames));
  heard.resize(static_cast<std::size_t>(frames * bands.hop()));
  bands.apply(heard.data(), frames, levels.data());
  const auto [low, high] = std::minmax_element(levels.begin(), levels.end());
  // What is 80 decibels below the loudest is silence to a person.
  const float top = *high, bottom = std::max(*low, top - 18.4F), span = std::max(top - bottom, 1e-3F);
  const int32_t width = most > 0 ? static_cast<int32_t>(std::min<int64_t>(frames, 2 * int64_t{most}))
                                 : static_cast<int32_t>(std::min<int64_t>(frames, 1000));
  Image image{static_cast<int32_t>(bands.mels()), width, 3, {}};
  for (int64_t m = bands.mels() - 1; m >= 0; --m)
    for (int64_t x = 0; x < width; ++x) {
      const float level = levels[static_cast<std::size_t>(m * frames + x * frames / width)];
      const float at = std::clamp((level - bottom) / span, 0.0F, 1.0F) * (std::size(kColours) - 1);
      const auto left = std::min(static_cast<std::size_t>(at), std::size(kColours) - 2);
      const float part = at - static_cast<float>(left);
      for (int c = 0; c < 3; ++c)
        image.pixels.push_back(static_cast<uint8_t>(std::lround((1 - part) * static_cast<float>(kColours[left][c]) +
                                                                part * static_cast<float>(kColours[left + 1][c]))));
    }
  return {{"kind", "sound"}, {"wav", base64(wav_of(samples, seen.rate))}, {"png", base64(encode_png(image))}};
}

void AudioModality::sketch(const uint8_t* example, const Layout& layout, float* out) const {
  const auto* values = reinterpret_cast<const float*>(example);
  const int64_t mels = layout.sizes.at(0), frames = layout.sizes.at(1);
  for (int64_t m = 0; m < kSketchMels; ++m)
    for (int64_t t = 0; t < kSketchFrames; ++t) {
      const int64_t top = m * mels / kSketchMels, bottom = std::max(top + 1, (m + 1) * mels / kSketchMels);
      const int64_t left = t * frames / kSketchFrames, right = std::max(left + 1, (t + 1) * frames / kSketchFrames);
      double sum = 0;
      for (int64_t y = top; y < std::min(bottom, mels); ++y)
        for (int64_t x = left; x < std::min(right, frames); ++x) sum += double{values[y * frames + x]};
      out[m * kSketchFrames + t] = static_cast<float>(sum / static_cast<double>((bottom - top) * (right - left)));
    }
}

}  // namespace

std::unique_ptr<Modality> make_audio_modality(const FrontEnd& front) { return std::make_unique<AudioModality>(front); }

}  // namespace fewlabel
