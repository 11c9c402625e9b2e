#include "modalities/audio/front_end.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr const char* kFile = "audio.json";

int64_t samples_of(double milliseconds, int32_t rate, int64_t least) {
  return std::max(least, std::lround(milliseconds * rate / 1000));
}

}  // namespace

int64_t FrontEnd::hop(int32_t rate) const { return samples_of(hop_ms, rate, 1); }

int64_t FrontEnd::window(int32_t rate) const { return samples_of(window_ms, rate, 2); }

Layout FrontEnd::seen(int64_t samples, int32_t rate, int64_t longest) const {
  const int64_t step = hop(rate), frames = std::max<int64_t>(1, (samples + step - 1) / step);
  Layout layout{Kind::audio, Layout::Type::f32, {static_cast<int32_t>(frames * step)}};
  if (mels > 0) layout.sizes = {static_cast<int32_t>(mels), static_cast<int32_t>(frames), 1};
  layout.rate = rate;
  layout.longest = static_cast<int32_t>(std::max(longest, frames * step));
  return layout;
}

int64_t FrontEnd::samples(const Layout& seen) const {
  return mels > 0 ? seen.sizes.at(1) * hop(seen.rate) : int64_t{seen.sizes.at(0)};
}

void write_front_end(const std::filesystem::path& folder, const FrontEnd& front) {
  const Json json = {{"mels", front.mels},    {"window_ms", front.window_ms}, {"hop_ms", front.hop_ms},
                     {"trim_db", front.trim}, {"channel", front.channel},     {"cmn", front.cmn}};
  write_file(folder / kFile, json.dump(2) + "\n", Durability::atomic);
}

FrontEnd read_front_end(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kFile;
  try {
    const Json json = Json::parse(read_file(path));
    return {json.at("mels").get<int64_t>(),   json.at("window_ms").get<double>(), json.at("hop_ms").get<double>(),
            json.at("trim_db").get<double>(), json.at("channel").get<int64_t>(),  json.value("cmn", false)};
  } catch (const Json::exception&) {
    throw Error(ErrorKind::storage, path.string(), "is damaged: it does not say how sounds are turned into pictures",
                "restore the model's folder from a copy");
  }
}

}  // namespace fewlabel
