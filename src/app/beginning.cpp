#include "app/beginning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/budget.h"
#include "core/text.h"
#include "fewlabel/image.h"
#include "fewlabel/method.h"

namespace fewlabel {
namespace {

constexpr int64_t kReadFirst = 500;  // unlabelled texts or recordings that are worth being gone through first
constexpr double kReading = 0.25;    // of the minutes that it gets of texts
constexpr double kHearing = 0.5;     // and of recordings,
constexpr int64_t kFewVoices = 5;    // where there are fewer labels a class
constexpr int32_t kSeen = 24;        // pixels below which an encoder of photographs sees nothing

/// Updates of setfit with settings as they come, and examples that are only looked at beside them.
struct TuningWork {
  double batch = 0, teacher = 0, student = 0, looked_at = 0;
  TuningWork(double labeled, double unlabeled) {
    constexpr double kAgreed = 0.6;  // of the pool, and three quarters of what the student learns from
    const Json settings = find_method("setfit").resolve(Json::object());
    const double most_steps = settings.at("most_steps"), pool = std::min<double>(unlabeled, settings.at("most"));
    batch = settings.at("tuning_batch");
    teacher = std::min(most_steps, std::ceil(settings.at("passes").get<double>() * labeled / batch));
    if (pool > 0) student = std::clamp(kAgreed * pool / 0.75 / batch, teacher, most_steps);
    looked_at = labeled + unlabeled + pool;
  }
};

}  // namespace

bool reads_first(const StageRecipe& recipe, const PlanFacts& facts) {
  const bool text = facts.found.kind == Kind::text;
  const bool sound = facts.found.kind == Kind::audio && is_picture(facts.found) && !facts.transcribed &&
                     facts.labeled < kFewVoices * facts.classes;
  return (text || sound) && facts.unlabeled >= kReadFirst && facts.preset != Preset::paper &&
         !recipe.recipe.contains("/method/name"_json_pointer) && !recipe.recipe.contains("init") && !facts.encoder;
}

std::vector<StageRecipe> with_reading(const StageRecipe& recipe, Kind kind) {
  StageRecipe first{"pretrain-1", recipe.recipe, {}}, then{"main", recipe.recipe, "pretrain-1"};
  const std::string net = recipe.recipe.value("/net/name"_json_pointer, std::string());
  const bool heard = kind == Kind::audio;
  first.recipe["method"] = {{"name", heard ? "simclr" : net.starts_with("bert") ? "mlm" : "cbow"}};
  if (!recipe.recipe.contains("probe")) first.recipe["probe"] = "none";  // what counts is what follows
  for (const auto* key : {"baseline", "baseline_minutes", "baseline_steps", "estimate"}) first.recipe.erase(key);
  if (!recipe.recipe.contains("/train/steps"_json_pointer)) {
    const Json minutes = recipe.recipe.value("/train/minutes"_json_pointer, Json("auto"));
    const double all = minutes.is_number() ? minutes.get<double>() : kDefaultMinutes;
    const double share = heard ? kHearing : kReading;
    first.recipe["train"]["minutes"] = all * share;
    then.recipe["train"]["minutes"] = all * (1 - share);
  }
  return {first, then};
}

std::optional<EncoderCard> fitting_encoder(const StageRecipe& recipe, const PlanFacts& facts) {
  const Json& said = recipe.recipe;
  if (recipe.name != "main" || !recipe.starts_from.empty() || facts.preset == Preset::paper || facts.transcribed ||
      said.contains("/method/name"_json_pointer) || said.contains("/net/name"_json_pointer) || said.contains("init") ||
      said.contains("/data/virtual"_json_pointer))
    return {};
  const Layout& found = facts.found;
  if (found.kind == Kind::image) {
    const ImageShape shape = image_shape(found);
    if (shape.channels < 3 || std::min(shape.height, shape.width) < kSeen) return {};
  }
  for (EncoderCard& card : installed_encoders())
    for (const KnownEncoder& known : known_encoders())
      if (card.name == known.name && card.kind == found.kind && known.kind == found.kind) return std::move(card);
  return {};
}

std::optional<MethodChoice> tuning_choice(TrainConfig config, const PlanFacts& facts, int64_t folds) {
  constexpr double kForward = 1.0 / 3;  // of a step, that looking at as many examples takes
  if (facts.found.kind != Kind::text || facts.transcribed || facts.preset == Preset::paper) return {};
  const double minutes = config.train.minutes.value_or(kDefaultMinutes);
  config.method = {{"name", "supervised"}};
  const TuningWork work(static_cast<double>(facts.labeled), static_cast<double>(facts.unlabeled));
  config.train.batch = std::llround(work.batch);
  StepCost cost(config, facts);
  Scale scale = scales(config, facts).front();
  scale.size = std::max<int64_t>(scale.size / 2, 1);  // as long as texts are in the mean; none is filled up
  const double step = cost.seconds(scale);
  const double seconds = step * (work.teacher + work.student + kForward * work.looked_at / work.batch +
                                 static_cast<double>(folds) * work.teacher);
  if (seconds <= 60 * minutes)
    return MethodChoice{"setfit", fmt::format("method.name = setfit: tuning the encoder takes about {} of {}",
                                              duration(seconds), duration(60 * minutes))};
  return MethodChoice{"best_head", fmt::format("method.name = best_head: tuning the encoder would take about {}; "
                                               "--minutes {:.0f} makes room",
                                               duration(seconds), std::ceil(seconds / 60))};
}

}  // namespace fewlabel
