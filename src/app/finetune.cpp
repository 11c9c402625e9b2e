#include "app/finetune.h"

#include <set>

#include "app/planning.h"
#include "app/representation.h"
#include "app/stage.h"
#include "core/work.h"
#include "plan/resolve.h"
#include "report/statistics.h"
#include "train/device.h"
#include "train/machine.h"
#include "train/precision.h"

namespace fewlabel {
namespace {

Json accuracy_of(const PreparedData& data, const StageOptions& options, const std::string& name) {
  Work work(name == "finetune" ? "fine-tuning" : "training from scratch", options.plan.train.steps);
  TrainerHooks hooks;
  hooks.on_step = [&work](const StepRecord&) { work.advance(); };
  Stage stage(data, options, hooks);
  stage.trainer().run();
  const AverageScope averaged = stage.trainer().averaged();
  const Tensor predicted = stage.logits(data.judged_store(), data.judged.index).argmax(1);
  const double accuracy = share_equal(predicted, torch::tensor(data.judged.label, torch::kLong));
  const auto right = static_cast<int64_t>(std::llround(accuracy * static_cast<double>(data.judged.size())));
  const Interval interval = wilson_interval(right, data.judged.size());
  return {{name + "_accuracy", accuracy}, {name + "_low", interval.low}, {name + "_high", interval.high}};
}

}  // namespace

PreparedData with_labels(const PreparedData& data, int64_t labels, int64_t seed) {
  PreparedData few = data;
  few.split.labels = labels;
  few.split.seed = seed;
  few.split.labels_file.clear();
  const auto chosen = choose_labeled(*data.dataset.train, few.split);
  const std::set<int64_t> keep(chosen.begin(), chosen.end());
  few.labeled = few.unlabeled = {};
  for (const Pool* pool : {&data.labeled, &data.unlabeled})
    for (std::size_t i = 0; i < pool->index.size(); ++i) {
      Pool& into = keep.contains(pool->index[i]) ? few.labeled : few.unlabeled;
      into.index.push_back(pool->index[i]);
      into.label.push_back(data.dataset.train->label(pool->index[i]));
    }
  drop_damaged(few.labeled, *few.train);
  if (data.judge != Judge::hidden_labels) return few;
  few.judged = {};  // what is learnt from cannot judge
  for (std::size_t i = 0; i < data.judged.index.size(); ++i)
    if (!keep.contains(data.judged.index[i])) {
      few.judged.index.push_back(data.judged.index[i]);
      few.judged.label.push_back(data.judged.label[i]);
    }
  return few;
}

Json finetune(const PreparedData& data, const FinetuneRule& rule, const Normalization& normalization,
              const std::shared_ptr<const InitialNet>& initial) {
  const PreparedData few = with_labels(data, rule.labels, rule.seed);
  TrainConfig config;
  config.seed = rule.seed;
  config.method = Json{{"name", "supervised"}};
  config.net = initial->net->blueprint().config;
  config.data.size = normalization.shape.height;
  config.data.channels = normalization.shape.channels;
  config.train.steps = rule.steps;
  Plan plan = resolve(config, {.found = few.found,
                               .labeled = few.labeled.size(),
                               .unlabeled = few.unlabeled.size(),
                               .classes = static_cast<int64_t>(few.dataset.classes.size()),
                               .threads = usable_threads(),
                               .bf16 = has_fast_bf16(),
                               .gpu = static_cast<bool>(gpu()),
                               .gpu_bf16 = gpu().bf16,
                               .learns_without_labels = false})
                  .plan;
  check_method(plan.method);
  StageOptions options{.plan = plan,
                       .conduct = {},
                       .normalization = normalization,
                       .checkpoints = {},
                       .resume_command = {},
                       .identity = {},
                       .initial = initial};
  Json result = {{"labels", rule.labels}, {"steps", rule.steps}};
  result.update(accuracy_of(few, options, "finetune"));
  options.initial = nullptr;
  result.update(accuracy_of(few, options, "scratch"));
  return result;
}

}  // namespace fewlabel
