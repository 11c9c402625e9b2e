#include "app/workspace.h"

#include <fmt/format.h>

#include <cmath>

#include "app/located.h"
#include "app/planning.h"
#include "app/run_stages.h"
#include "core/json_text.h"
#include "core/number.h"
#include "core/text.h"
#include "eval/classify.h"
#include "eval/encoder.h"
#include "fewlabel/error.h"
#include "plan/resolve.h"
#include "train/device.h"
#include "train/machine.h"
#include "train/precision.h"

namespace fewlabel {
namespace {

std::string key_of(const Plan& plan) {
  Json json;
  write_config(json, plan.data);
  return json_text(json) + (learns_without_labels(plan.method) ? " without labels" : "");
}

/// data.mean or data.std: a number a channel or column, or one for all.
std::vector<float> given(const std::string& key, const std::string& text, std::size_t count) {
  std::vector<float> values;
  for (const std::string& part : split_text(text, ',')) {
    const std::string number = trim(part);
    const auto value = static_cast<float>(real_number(number).value_or(NAN));
    if (!std::isfinite(value) || (key == "data.std" && value <= 0))
      throw Error(ErrorKind::usage, key,
                  fmt::format("'{}' is no number{}", number, key == "data.std" ? " above 0" : ""));
    values.push_back(value);
  }
  if (values.size() == 1) values.assign(count, values[0]);
  if (values.size() != count)
    throw Error(ErrorKind::usage, key, fmt::format("numbers given: {}, channels: {}", values.size(), count));
  return values;
}

}  // namespace

StageData decode(PreparedData data, const Plan& plan) {
  load_data(data, plan.data, usable_threads());
  Normalization rule =
      data.modality->measure(*data.train, data.unlabeled.size() ? data.unlabeled.index : data.labeled.index);
  if (!plan.data.mean.empty()) rule.mean = given("data.mean", plan.data.mean, rule.mean.size());
  if (!plan.data.deviation.empty()) rule.deviation = given("data.std", plan.data.deviation, rule.deviation.size());
  return {std::move(data), std::move(rule)};
}

std::shared_ptr<const StageData> Workspace::data(const Plan& plan, const RunFolder* run) {
  if (const std::string key = key_of(plan); key != key_) {
    kept_.reset();  // before the next ones take as much memory
    const DataPlan there = run ? located(plan.data, *run) : plan.data;
    kept_ = std::make_shared<StageData>(decode(open_data(there, !learns_without_labels(plan.method)), plan));
    key_ = key;
  }
  return kept_;
}

void Workspace::keep(const Plan& plan, std::shared_ptr<const StageData> data) {
  key_ = key_of(plan);
  kept_ = std::move(data);
}

std::shared_ptr<const InitialNet> initial_weights(const Plan& plan, const RunFolder* run, const Layout& layout) {
  if (!plan.starts_from.empty() && run) {
    auto initial = std::make_shared<InitialNet>(load_initial(stage_folder(*run, plan.starts_from)));
    initial->origin = "stage " + plan.starts_from;  // wherever the run is now
    return initial;
  }
  if (!plan.encoder.empty()) {
    auto initial = std::make_shared<InitialNet>(load_encoder(find_encoder(plan.encoder), layout));
    if (initial->hash != plan.encoder_hash)
      throw Error(ErrorKind::usage, "encoder", fmt::format("{} holds other weights than the plan names", plan.encoder),
                  "restore that encoder, or start a new run");
    return initial;
  }
  if (plan.init.empty()) return nullptr;
  auto initial = std::make_shared<InitialNet>(load_initial(run ? located(plan.init, *run) : plan.init));
  if (initial->hash != plan.init_hash)
    throw Error(ErrorKind::usage, "init", fmt::format("{} holds other weights than the plan names", plan.init),
                "restore that run, or start a new one");
  return initial;
}

PlanFacts facts_of(const PreparedData& data, bool learns_without_labels) {
  return {.found = data.found,
          .labeled = data.labeled.size(),
          .unlabeled = data.unlabeled.size(),
          .classes = static_cast<int64_t>(data.dataset.classes.size()),
          .threads = usable_threads(),
          .bf16 = has_fast_bf16(),
          .gpu = static_cast<bool>(gpu()),
          .gpu_bf16 = gpu().bf16,
          .learns_without_labels = learns_without_labels,
          .transcribed = data.transcribed};
}

}  // namespace fewlabel
