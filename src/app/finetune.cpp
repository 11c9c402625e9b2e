#include "app/finetune.h"

#include <set>

#include "app/evaluation.h"
#include "app/planning.h"
#include "app/representation.h"
#include "app/stage.h"
#include "app/workspace.h"
#include "core/work.h"
#include "plan/resolve.h"

namespace fewlabel {
namespace {

Json accuracy_of(const PreparedData& data, const StageOptions& options, const std::string& name) {
  Work work(name == "finetune" ? "fine-tuning" : "training from scratch", options.plan.train.steps);
  TrainerHooks hooks;
  hooks.on_step = [&work](const StepRecord&) { work.advance(); };
  Stage stage(data, options, hooks);
  stage.run();
  const AverageScope averaged = stage.averaged();
  return accuracy_figures(name, stage.logits(data.judged_store(), data.judged.index), data.judged.label);
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
  few.judged = without(data.judged, chosen);  // what is learnt from cannot judge
  return few;
}

Json finetune(const PreparedData& data, const FinetuneRule& rule, const Normalization& normalization,
              const std::shared_ptr<const InitialNet>& initial) {
  const PreparedData few = with_labels(data, rule.labels, rule.seed);
  TrainConfig config;
  config.seed = rule.seed;
  config.method = Json{{"name", "supervised"}};
  config.net = initial->net->blueprint().config;
  bring_into(config.data, normalization.layout);
  config.train.steps = rule.steps;
  Plan plan = resolve(config, facts_of(few, false)).plan;
  check_method(plan.method);
  StageOptions options{.plan = plan,
                       .conduct = {},
                       .normalization = normalization,
                       .checkpoints = {},
                       .resume_command = {},
                       .identity = {},
                       .initial = initial,
                       .bank = nullptr};
  Json result = {{"labels", rule.labels}, {"steps", rule.steps}};
  result.update(accuracy_of(few, options, "finetune"));
  options.initial = nullptr;
  result.update(accuracy_of(few, options, "scratch"));
  return result;
}

}  // namespace fewlabel
