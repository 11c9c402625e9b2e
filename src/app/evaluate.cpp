// `fewlabel evaluate`: a trained model against labelled data.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "app/evaluate.h"
#include "app/evaluation.h"
#include "app/learnt_from.h"
#include "app/located.h"
#include "app/transcription.h"
#include "core/files.h"
#include "core/text.h"
#include "eval/classify.h"
#include "eval/model.h"
#include "eval/saliency.h"
#include "eval/transcriber.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "plan/recipe.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

/// Labels of `source` as indices into the model's classes, by name.
Pool judged_pool(const Source& source, const std::vector<std::string>& classes) {
  std::vector<int32_t> to_model;
  for (const std::string& name : source.classes()) {
    const auto at = std::find(classes.begin(), classes.end(), name);
    to_model.push_back(at == classes.end() ? kUnlabeled : static_cast<int32_t>(at - classes.begin()));
  }
  Pool pool;
  for (int64_t i = 0; i < source.size(); ++i) {
    const int32_t label = source.label(i);
    if (label == kUnlabeled) continue;
    const int32_t mapped = to_model[static_cast<std::size_t>(label)];
    if (mapped == kUnlabeled)
      throw Error(ErrorKind::data, source.name(i),
                  fmt::format("has the class '{}', which the model does not know",
                              source.classes()[static_cast<std::size_t>(label)]),
                  "the data's classes must be among the model's");
    pool.index.push_back(i);
    pool.label.push_back(mapped);
  }
  return pool;
}

Pool transcribed_pool(const Source& source, const std::string& where) {
  if (!source.transcribed())
    throw Error(ErrorKind::data, where, "has no transcripts, and the model writes down what it hears",
                "name recordings with a column of transcripts");
  return labeled_pool(source);
}

Json evaluate_classifier(const EvaluateRequest& request) {
  at::set_num_threads(usable_threads());
  const RunFolder folder = RunFolder::open(request.run);
  if (std::filesystem::exists(folder.model() / "method.json") && !std::filesystem::exists(folder.model() / "meta.json"))
    throw Error(ErrorKind::usage, request.run, "its method is no classifier, so it has no accuracy",
                "measure its features with --probe knn, or its samples with --judge RUN");
  const torch::Device device = choose_device();
  const LoadedModel model = load_model(folder.model(), device);
  PreparedData own;
  std::shared_ptr<const Source> source;
  Pool pool;
  if (request.data.empty()) {
    const Plan plan = parse_plan(read_file(folder.plan()), folder.plan().string());
    own = open_data(located(plan.data, folder));
    if (own.judge == Judge::none)
      throw Error(ErrorKind::data, request.run, "the run has no test set",
                  "name labelled data: fewlabel evaluate RUN DATA");
    source = own.judged_source();
    pool = own.judged;
  } else {
    const SplitSpec split = parse_split(request.data);
    const Dataset data = open_dataset(split.data, {});
    source = data.test ? data.test : data.train;
    pool = model.card.transcribes ? transcribed_pool(*source, request.data) : judged_pool(*source, model.card.classes);
    // Those of DATA@N that keep their label are there to be learnt from; the others judge, as in training.
    if (!data.test && (split.labels || !split.labels_file.empty()))
      pool = without(pool, choose_labeled(*source, split));
    if (pool.size() == 0)
      throw Error(ErrorKind::data, request.data, "no example has a label to judge by", "evaluation needs labels");
  }
  const auto store =
      make_store(source, model.card.modality, {.layout = model.card.normalization.layout, .threads = usable_threads()});
  drop_damaged(pool, *store);
  if (pool.size() == 0)
    throw Error(ErrorKind::data, request.data.empty() ? request.run : request.data,
                fmt::format("every image with a label is damaged; the first is {}: {}", store->damage().front().name,
                            store->damage().front().reason),
                "fewlabel data inspect names them all");
  std::optional<LearntExamples> learnt;
  ToldApart told{pool, std::vector<bool>(pool.index.size()), 0};
  if (!request.data.empty() && (learnt = load_learnt(folder.model()))) {  // the run's own data are split already
    told = tell_apart(pool, *store, *learnt);
    pool = told.judged;
    if (pool.size() == 0)
      throw Error(ErrorKind::data, request.data,
                  fmt::format("all {} labelled examples are ones that the run learnt from with their label: that it "
                              "knows them by now is no test",
                              with_commas(told.left_out)),
                  "name labelled examples that it has not learnt from");
  }
  if (model.card.transcribes) {
    const Tensor heard = logits_of([&](const Tensor& x) { return flat_emissions(*model.net, x.to(device)); }, *store,
                                   pool.index, model.card.normalization);
    Json result =
        evaluate_transcripts(transcripts_of(heard, model.card.classes), pool, {*model.card.modality, *source, *store})
            .summary;
    result["run"] = request.run;
    result["data"] = request.data.empty() ? Json(to_string(own.split)) : Json(request.data);
    result["damaged"] = store->damaged().size();
    return result;
  }
  const Tensor logits = logits_of([&](const Tensor& x) { return model.net->forward(x.to(device)); }, *store, pool.index,
                                  model.card.normalization);
  const Evaluation evaluation =
      evaluate_logits(logits, pool,
                      {*model.card.modality, *source, *store,
                       [&](const std::vector<int64_t>& indices, const std::vector<int64_t>& classes) {
                         return token_weights(*model.net, *store, indices, classes, model.card.normalization);
                       }},
                      model.card.classes);
  Json result = evaluation.summary;
  result["run"] = request.run;
  result["data"] = request.data.empty() ? Json(to_string(own.split)) : Json(request.data);
  result["damaged"] = store->damaged().size();
  if (!request.data.empty()) {
    const Tensor right = logits.argmax(1).eq(torch::tensor(pool.label, torch::kLong));
    std::vector<bool> correct;
    for (int64_t i = 0; i < right.numel(); ++i) correct.push_back(right[i].item<bool>());
    result.update(learnt_figures(told, correct, learnt));
  }
  result["per_class"] = evaluation.detail["per_class"];
  return result;
}

}  // namespace

Json evaluate(const EvaluateRequest& request) {
  if (!request.probes.empty()) return evaluate_probes(request);
  if (!request.judge.empty()) return evaluate_samples(request);
  return evaluate_classifier(request);
}

}  // namespace fewlabel
