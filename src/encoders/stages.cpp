#include "encoders/stages.h"

#include <fmt/format.h>

#include "core/number.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

/// 0 for what is no number from 1 to `most`.
int64_t bounded(const std::string& text, int64_t most) {
  const auto number = whole_number(text);
  return number && *number > 0 && *number <= most ? *number : 0;
}

}  // namespace

std::string Stages::text() const {
  std::string all = std::to_string(stem);
  for (const StageSize& stage : stages) all += fmt::format("-{}x{}", stage.width, stage.blocks);
  return all + "-" + block;
}

Stages Stages::parse(const std::string& text) {
  Stages result;
  const std::vector<std::string> parts = split_text(text, '-');
  bool sound = parts.size() >= 3 && parts.size() <= kMostStages + 2;
  if (sound) {
    result.stem = bounded(parts.front(), kWidestStage);
    result.block = parts.back();
    sound = result.stem > 0;
    for (std::size_t i = 1; i + 1 < parts.size(); ++i) {
      const std::vector<std::string> pair = split_text(parts[i], 'x');
      const bool two = pair.size() == 2;
      result.stages.push_back({two ? bounded(pair[0], kWidestStage) : 0, two ? bounded(pair[1], kLongestStage) : 0});
      sound = sound && result.stages.back().width > 0 && result.stages.back().blocks > 0;
    }
  }
  if (!sound)
    throw Error(ErrorKind::usage, "net", "net.shape is '" + printable(text) + "'",
                "give the stem's width, width x blocks of each stage and the kind of block: "
                "64-256x3-512x4-1024x6-2048x3-bottleneck");
  return result;
}

}  // namespace fewlabel
