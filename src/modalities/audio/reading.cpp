#include "modalities/audio/reading.h"

#include <fmt/format.h>
#include <sndfile.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr int kMostChannels = 64;
constexpr int kHighestRate = 768'000;
constexpr double kLongestTrimmed = 600;  // seconds that silence is looked for in

/// A file in memory, as libsndfile reads it.
struct Memory {
  const uint8_t* data;
  sf_count_t size, at = 0;
};

sf_count_t memory_size(void* user) { return static_cast<Memory*>(user)->size; }
sf_count_t memory_seek(sf_count_t offset, int whence, void* user) {
  auto& memory = *static_cast<Memory*>(user);
  const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory.at : memory.size;
  memory.at = std::clamp<sf_count_t>(from + offset, 0, memory.size);
  return memory.at;
}
sf_count_t memory_read(void* out, sf_count_t count, void* user) {
  auto& memory = *static_cast<Memory*>(user);
  count = std::clamp<sf_count_t>(count, 0, memory.size - memory.at);
  std::memcpy(out, memory.data + memory.at, static_cast<std::size_t>(count));
  memory.at += count;
  return count;
}
sf_count_t memory_tell(void* user) { return static_cast<Memory*>(user)->at; }

uint32_t little(const uint8_t* bytes) {
  return bytes[0] | static_cast<uint32_t>(bytes[1]) << 8 | static_cast<uint32_t>(bytes[2]) << 16 |
         static_cast<uint32_t>(bytes[3]) << 24;
}

/// libsndfile shortens what a WAV file promises to what it holds, and says nothing: this is what it promises beyond its
/// end, in bytes. Writers to pipes leave the length open (0 or the largest).
int64_t missing_in_wav(const ByteFile* file, const Bytes& bytes) {
  const int64_t size = file ? file->size() : static_cast<int64_t>(bytes.size());
  const auto read = [&](int64_t offset, std::span<uint8_t> out) {
    if (offset + static_cast<int64_t>(out.size()) > size) return false;
    if (file)
      file->read_at(offset, out);
    else
      std::copy_n(bytes.begin() + offset, out.size(), out.begin());
    return true;
  };
  uint8_t head[12] = {};
  if (!read(0, head) || std::memcmp(head, "RIFF", 4) != 0 || std::memcmp(head + 8, "WAVE", 4) != 0) return 0;
  int64_t offset = 12;
  for (int chunks = 0; chunks < 1000; ++chunks) {
    uint8_t chunk[8] = {};
    if (!read(offset, chunk)) return 0;
    const int64_t length = little(chunk + 4);
    offset += 8;
    if (std::memcmp(chunk, "data", 4) == 0) {
      const bool open = length == 0 || length >= 0x7fffff00;
      return open ? 0 : std::max<int64_t>(offset + length - size, 0);
    }
    offset += length + length % 2;
  }
  return 0;
}

std::string format_name(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
    case SF_FORMAT_W64:
      return "wav";
    case SF_FORMAT_FLAC:
      return "flac";
    case SF_FORMAT_OGG:
      return "ogg";
    case SF_FORMAT_AIFF:
      return "aiff";
    case SF_FORMAT_AU:
      return "au";
    case SF_FORMAT_CAF:
      return "caf";
#ifdef SF_FORMAT_MPEG
    case SF_FORMAT_MPEG:
      return "mp3";
#endif
    default:
      return "sound";
  }
}

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

/// An open sound of which a part may be meant.
class Sound {
 public:
  Sound(const std::string& where, const Raw& raw) : where_(where), memory_{raw.bytes.data(), 0} {
    memory_.size = static_cast<sf_count_t>(raw.bytes.size());
    int64_t missing = 0;
    if (!raw.file.empty()) {
      const ByteFile file(raw.file);
      if (file.size() == 0) throw_data(where, "is empty");
      missing = missing_in_wav(&file, {});
      file_.reset(sf_open(raw.file.c_str(), SFM_READ, &info_));
    } else {
      if (raw.bytes.empty()) throw_data(where, "is empty");
      missing = missing_in_wav(nullptr, raw.bytes);
      SF_VIRTUAL_IO io{memory_size, memory_seek, memory_read, nullptr, memory_tell};
      file_.reset(sf_open_virtual(&io, SFM_READ, &info_, &memory_));
    }
    if (!file_) {
      std::string reason = sf_strerror(nullptr);
      while (!reason.empty() && (reason.back() == '.' || reason.back() == '\n')) reason.pop_back();
      throw_data(where, fmt::format("cannot be read as a recording: {}", printable(lower_first(reason))),
                 "WAV, FLAC, OGG, MP3 and AIFF are read");
    }
    if (info_.channels < 1 || info_.channels > kMostChannels)
      throw_data(where, fmt::format("has {} channels; wanted 1 to {}", info_.channels, kMostChannels));
    if (info_.samplerate < 1 || info_.samplerate > kHighestRate)
      throw_data(where,
                 fmt::format("has {} samples a second; wanted 1 to {}", info_.samplerate, with_commas(kHighestRate)));
    if (missing > 0)
      throw_data(where, fmt::format("is cut short: {} bytes of its sound are missing", with_commas(missing)));
    if (info_.frames < 1) throw_data(where, "holds no sound");
    take_part(raw);
  }

  const SF_INFO& info() const { return info_; }
  int64_t frames() const { return frames_; }

  /// At most `most` frames of the part that is meant, in one channel.
  std::vector<float> read(int64_t most, int channel) {
    const int64_t wanted = std::min(frames_, most);
    constexpr int64_t kBlock = 8192;
    std::vector<float> block(static_cast<std::size_t>(kBlock * info_.channels)), samples;
    samples.reserve(static_cast<std::size_t>(std::min<int64_t>(wanted, 1 << 22)));
    const auto channels = static_cast<std::size_t>(info_.channels);
    while (static_cast<int64_t>(samples.size()) < wanted) {
      const int64_t ask = std::min<int64_t>(kBlock, wanted - static_cast<int64_t>(samples.size()));
      const sf_count_t got = sf_readf_float(file_.get(), block.data(), ask);
      if (got <= 0) break;
      for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        const float* frame = block.data() + i * channels;
        float value = 0;
        if (channel >= 0) {
          value = frame[channel];
        } else {
          for (std::size_t c = 0; c < channels; ++c) value += frame[c];
          value /= static_cast<float>(channels);
        }
        if (!std::isfinite(value))
          throw_data(where_,
                     fmt::format("sample {} is not a number", with_commas(static_cast<int64_t>(samples.size()) + 1)));
        samples.push_back(value);
      }
    }
    // The length of an MP3 is a guess where its header does not say it.
    const bool guessed = format_name(info_.format) == "mp3" && !samples.empty();
    if (static_cast<int64_t>(samples.size()) < wanted && !guessed)
      throw_data(where_, samples.empty() ? "holds no sound that can be decoded"
                                         : fmt::format("is cut short or damaged after {:.2f} of {:.2f} seconds",
                                                       static_cast<double>(samples.size()) / info_.samplerate,
                                                       static_cast<double>(frames_) / info_.samplerate));
    return samples;
  }

 private:
  static std::string lower_first(std::string text) {
    if (text.size() > 1 && text[1] >= 'a') text[0] = lower(text.substr(0, 1))[0];
    return text;
  }

  void take_part(const Raw& raw) {
    const double length = static_cast<double>(info_.frames) / info_.samplerate;
    const auto at = [&](double seconds) { return std::lround(std::min(seconds, length) * info_.samplerate); };
    const int64_t begin = at(raw.begin), end = raw.end > 0 ? at(raw.end) : info_.frames;
    constexpr double kSlack = 0.05;  // tables round
    if (raw.begin >= length || raw.end > length + kSlack)
      throw_data(where_, fmt::format("is {:.2f} seconds long, and {:.2f} to {:.2f} are asked for", length, raw.begin,
                                     raw.end > 0 ? raw.end : length));
    frames_ = end - begin;
    if (frames_ < 1) throw_data(where_, "holds no sound between the times that are asked for");
    if (begin > 0 && sf_seek(file_.get(), begin, SEEK_SET) != begin)
      throw_data(where_, fmt::format("cannot be read from {:.2f} seconds on", raw.begin));
  }

  const std::string& where_;
  Memory memory_;
  SF_INFO info_ = {};
  std::unique_ptr<SNDFILE, Close> file_;
  int64_t frames_ = 0;
};

/// From 0; −1: the mean of all.
int channel_of(const std::string& where, int64_t wish, int channels) {
  if (wish > channels)
    throw_data(where,
               fmt::format("has {} channel{}, and channel {} is asked for", channels, channels == 1 ? "" : "s", wish),
               "data.channel=0 takes the mean of all");
  return static_cast<int>(wish) - 1;
}

/// Without what is quieter at either end, judged by the mean power of ten milliseconds.
void trim_silence(std::vector<float>& samples, int rate, double decibels) {
  const std::size_t part = std::max<std::size_t>(1, static_cast<std::size_t>(rate / 100));
  std::vector<double> power;
  for (std::size_t at = 0; at < samples.size(); at += part) {
    const std::size_t end = std::min(samples.size(), at + part);
    double sum = 0;
    for (std::size_t i = at; i < end; ++i) sum += double{samples[i]} * samples[i];
    power.push_back(sum / static_cast<double>(end - at));
  }
  const double least = *std::max_element(power.begin(), power.end()) * std::pow(10, -decibels / 10);
  const auto loud = [&](double value) { return value > 0 && value >= least; };
  const auto first = std::find_if(power.begin(), power.end(), loud);
  if (first == power.end()) return;  // all of it is silence
  const auto last = std::find_if(power.rbegin(), power.rend(), loud).base();
  const auto begin = static_cast<std::size_t>(first - power.begin()) * part;
  const auto end = std::min(samples.size(), static_cast<std::size_t>(last - power.begin()) * part);
  samples.assign(samples.begin() + static_cast<std::ptrdiff_t>(begin),
                 samples.begin() + static_cast<std::ptrdiff_t>(end));
}

std::vector<float> resampled(const std::vector<float>& samples, int from, int to) {
  if (from == to) return samples;
  const double ratio = static_cast<double>(to) / from;
  std::vector<float> out(static_cast<std::size_t>(std::ceil(static_cast<double>(samples.size()) * ratio)) + 1);
  std::size_t used = 0, made = 0;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_error_t error = soxr_oneshot(from, to, 1, samples.data(), samples.size(), &used, out.data(), out.size(),
                                          &made, nullptr, &quality, nullptr);
  if (error) throw Error(ErrorKind::failure, "resampling", soxr_strerror(error));
  out.resize(std::max<std::size_t>(made, 1));
  return out;
}

}  // namespace

SoundHeader sound_header(const std::string& where, const Raw& raw) {
  const Sound sound(where, raw);
  return {sound.info().samplerate, sound.frames(), format_name(sound.info().format)};
}

std::vector<float> read_sound(const std::string& where, const Raw& raw, const SoundWish& wish) {
  Sound sound(where, raw);
  const int rate = sound.info().samplerate;
  // A little more than is kept, so that resampling has no edge there.
  double seconds = static_cast<double>(wish.longest) / wish.rate + 0.05;
  if (wish.trim > 0) seconds = std::max(seconds, kLongestTrimmed);
  std::vector<float> samples =
      sound.read(std::lround(seconds * rate) + 1, channel_of(where, wish.channel, sound.info().channels));
  if (wish.trim > 0) trim_silence(samples, rate, wish.trim);
  if (const auto most =
          static_cast<std::size_t>(std::lround((static_cast<double>(wish.longest) / wish.rate + 0.05) * rate) + 1);
      samples.size() > most)
    samples.resize(most);
  samples = resampled(samples, rate, wish.rate);
  if (static_cast<int64_t>(samples.size()) > wish.longest) samples.resize(static_cast<std::size_t>(wish.longest));
  return samples;
}

std::string wav_of(const std::vector<float>& samples, int32_t rate) {
  std::string wav;
  const auto add = [&](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) wav += static_cast<char>(value >> (8 * i) & 0xff);
  };
  const uint64_t bytes = 2 * samples.size(), hertz = static_cast<uint64_t>(rate);
  wav += "RIFF";
  add(36 + bytes, 4);
  wav += "WAVEfmt ";
  add(16, 4);
  add(1, 2);  // PCM
  add(1, 2);  // channel
  add(hertz, 4);
  add(2 * hertz, 4);
  add(2, 2);
  add(16, 2);
  wav += "data";
  add(bytes, 4);
  for (const float sample : samples)
    add(static_cast<uint64_t>(std::lround(std::clamp(sample, -1.0F, 1.0F) * 32767)), 2);
  return wav;
}

}  // namespace fewlabel
