#include "modalities/audio/views.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "core/policy.h"

namespace fewlabel {
namespace {

void centre(float* values, int64_t count) {
  double sum = 0;
  for (int64_t t = 0; t < count; ++t) sum += double{values[t]};
  const auto mean = static_cast<float>(sum / static_cast<double>(std::max<int64_t>(count, 1)));
  for (int64_t t = 0; t < count; ++t) values[t] -= mean;
}

class SoundTransform final : public Transform {
 public:
  SoundTransform(std::vector<std::unique_ptr<SoundStep>> steps, std::shared_ptr<const Front> front)
      : steps_(std::move(steps)), front_(std::move(front)) {}

  void apply(const uint8_t* in, const Layout& layout, uint8_t* out, Random& random) const override {
    make(in, {}, layout, out, random);
  }
  bool mixes() const override {
    return std::any_of(steps_.begin(), steps_.end(), [](const auto& step) { return step->mixes(); });
  }
  void mix(const uint8_t* in, const uint8_t* other, const Layout& layout, uint8_t* out, Random& random) const override {
    make(in, sound_of(other, layout), layout, out, random);
  }

 private:
  void make(const uint8_t* in, KeptSound other, const Layout& layout, uint8_t* out, Random& random) const {
    if (steps_.empty()) return plain_sound(in, layout, 0, *front_, out);
    const KeptSound sound = sound_of(in, layout);
    SoundTake take{{}, front_->settings().samples(layout), layout.rate, other};
    // Of a long one another part each time, with what a faster view takes more of it.
    const int64_t most = take.room + take.room / 2;
    const int64_t count = std::min(sound.length, most);
    const auto first = static_cast<int64_t>(random.below(static_cast<uint32_t>(sound.length - count + 1)));
    take.wave.assign(sound.samples + first, sound.samples + first + count);
    take.sounding = count;
    for (const auto& step : steps_) step->hear(take, random);
    if (static_cast<int64_t>(take.wave.size()) > take.room && !take.placed) {
      const auto spare = static_cast<uint32_t>(static_cast<int64_t>(take.wave.size()) - take.room);
      take.wave.erase(take.wave.begin(), take.wave.begin() + static_cast<std::ptrdiff_t>(random.below(spare + 1)));
      take.wave.resize(static_cast<std::size_t>(take.room));
    }
    take.place();
    const auto [begin, end] = front_->see(take.wave.data(), {take.begin, take.begin + take.sounding}, layout, out);
    const bool bands = layout.sizes.size() == 3;
    SeenSound seen{reinterpret_cast<float*>(out),
                   bands ? layout.sizes[0] : 1,
                   bands ? layout.sizes[1] : layout.sizes[0],
                   layout.rate,
                   begin,
                   end};
    for (const auto& step : steps_) step->see(seen, random);
  }

  std::vector<std::unique_ptr<SoundStep>> steps_;
  std::shared_ptr<const Front> front_;
};

}  // namespace

Layout kept_sound(const Layout& seen) {
  Layout kept = seen;
  kept.sizes = {seen.longest + 1};
  return kept;
}

KeptSound sound_of(const uint8_t* kept, const Layout& seen) {
  int32_t length = 0;
  std::memcpy(&length, kept, sizeof(length));
  return {reinterpret_cast<const float*>(kept) + 1, std::clamp<int64_t>(length, 1, seen.longest)};
}

Front::Part Front::see(const float* samples, Part part, const Layout& seen, uint8_t* out) const {
  const int64_t step = settings_.mels == 0 ? 1 : settings_.hop(seen.rate);
  const int64_t rows = std::max<int64_t>(settings_.mels, 1), columns = settings_.samples(seen) / step;
  auto* values = reinterpret_cast<float*>(out);
  if (settings_.mels == 0)
    std::memcpy(out, samples, static_cast<std::size_t>(seen.bytes()));
  else
    bands(seen.rate).apply(samples, columns, values);
  const bool centred = settings_.cmn && settings_.mels > 0;
  const float silence = settings_.mels == 0 || centred ? 0 : std::log(kMelFloor);
  const int64_t begin = std::min(part.begin / step, columns), end = std::min((part.end + step - 1) / step, columns);
  for (int64_t row = 0; row < rows; ++row) {
    float* line = values + row * columns;
    if (centred) centre(line + begin, end - begin);
    std::fill(line, line + begin, silence);
    std::fill(line + end, line + columns, silence);
  }
  return {begin, end};
}

const LogMel& Front::bands(int32_t rate) const {
  const std::lock_guard lock(mutex_);
  const auto found = bands_.find(rate);
  return found != bands_.end() ? found->second : bands_.emplace(rate, LogMel(settings_, rate)).first->second;
}

int64_t sound_parts(const uint8_t* kept, const Layout& seen, const FrontEnd& settings) {
  const int64_t room = settings.samples(seen), more = sound_of(kept, seen).length - room;
  const int64_t step = std::max<int64_t>(room / 2, 1);
  return more <= 0 ? 1 : 1 + (more + step - 1) / step;
}

void plain_sound(const uint8_t* kept, const Layout& seen, int64_t part, const Front& front, uint8_t* out) {
  const KeptSound sound = sound_of(kept, seen);
  const int64_t room = front.settings().samples(seen), parts = sound_parts(kept, seen, front.settings());
  std::vector<float> view(static_cast<std::size_t>(room));
  if (parts == 1) {
    const int64_t count = std::min(sound.length, room), begin = (room - count) / 2;
    std::copy_n(sound.samples, count, view.begin() + static_cast<std::ptrdiff_t>(begin));
    front.see(view.data(), {begin, begin + count}, seen, out);
  } else {
    std::copy_n(sound.samples + (sound.length - room) * part / (parts - 1), room, view.begin());
    front.see(view.data(), {0, room}, seen, out);
  }
}

std::unique_ptr<Transform> make_sound_transform(const std::string& policy, std::shared_ptr<const Front> front) {
  std::vector<std::unique_ptr<SoundStep>> steps;
  for (augment::Arguments& arguments : augment::parse_policy(policy)) {
    steps.push_back(make_sound_step(arguments, front->settings()));
    arguments.finish();
  }
  return std::make_unique<SoundTransform>(std::move(steps), std::move(front));
}

ViewPolicies sound_policies(const FrontEnd& settings) {
  const bool bands = settings.mels > 0;
  // What is taken off every recording need not be learnt to be of no account.
  const std::string microphone = settings.cmn || !bands ? "" : "+equalize(9)";
  const std::string masks = bands ? "+mel_mask(0.15, n=2)+time_mask(0.15, n=2)" : "+time_mask(0.15, n=2)";
  const auto heard = [&](const char* warp) {
    return "+gain(10)+noise(5..30)+reverb(0.3)" + std::string(bands ? warp : "") + microphone + masks;
  };
  return {"speed(0.9..1.1)+shift(0.1)+gain(6)", "speed(0.85..1.15)+shift(0.15)" + heard("+warp(0.85..1.15)"),
          "speed(0.8..1.25)+crop(0.8..1)+shift(0.15)" + heard("+warp(0.8..1.25)")};
}

}  // namespace fewlabel
