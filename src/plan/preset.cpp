#include "plan/preset.h"

#include <fmt/format.h>

#include "core/json_text.h"
#include "fewlabel/error.h"

namespace fewlabel {

std::string_view to_string(Preset preset) { return preset == Preset::paper ? "paper" : "short"; }

Preset preset_of(const Json& recipe) {
  const Json said = recipe.value("preset", Json("auto"));
  for (const Preset preset : {Preset::paper, Preset::brief})
    if (said == to_string(preset)) return preset;
  if (said != "auto" && !said.is_null())
    throw Error(ErrorKind::usage, "config", fmt::format("preset = {}: wanted paper or short", json_text(said)),
                "leave it out to go by the number of steps");
  const Json steps = recipe.value("/train/steps"_json_pointer, Json());
  return steps.is_number() && steps.get<double>() >= static_cast<double>(kLongRun) ? Preset::paper : Preset::brief;
}

}  // namespace fewlabel
