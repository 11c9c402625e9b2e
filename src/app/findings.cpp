#include "app/findings.h"

#include <algorithm>
#include <cmath>

#include "app/evaluation.h"
#include "app/neighbours.h"
#include "app/planning.h"
#include "app/transcription.h"
#include "app/unlabelled.h"
#include "app/warnings.h"
#include "core/base64.h"
#include "eval/pictures.h"
#include "modalities/image/decode/encode.h"
#include "report/statistics.h"
#include "train/batches.h"
#include "train/module_state.h"
#include "train/spread.h"

namespace fewlabel {
namespace {

constexpr int64_t kMonitored = 2000;  // examples that the accuracy in the curves is measured on
// Twenty times a run, so one for a hundred that are trained on: a fifth of these, and less of the time.
constexpr int64_t kMonitoredShare = 100, kMonitoredAtLeast = 200;
constexpr int64_t kMonitoredProbe = 1000;  // the same of an encoder, against so many neighbours
constexpr int64_t kMonitoredKnown = 2000;
constexpr int64_t kSpread = 2000;  // rows that spread and rank are measured on
constexpr int64_t kRows = 4, kColumns = 10;
constexpr int64_t kAskedLabels = 2000;  // labelled examples that are put to what learnt them
constexpr int64_t kAskedUnlabelled = 20000, kAskedBesideTruth = 2000, kAskedAtLeast = 500;
constexpr const char* kNothingSelected = "Nothing was selected on the examples that judge.";
constexpr int64_t kAskedShare = 20;  // one example is asked for so many that were trained on: a fiftieth of the time

/// Examples that a run learns from, each as often as it comes.
int64_t trained_on(Stage& stage, const Plan& plan) {
  return plan.train.steps * plan.train.batch * (1 + stage.method().needs().ratio);
}

void add_classification(Findings& found, Stage& stage, const PreparedData& data, const Normalization& rule,
                        Depth depth) {
  const Tensor logits = stage.logits(data.judged_store(), data.judged.index);
  Judged judged{*data.modality, *data.judged_source(), data.judged_store(),
                [&](const std::vector<int64_t>& indices, const std::vector<int64_t>& of) {
                  return stage.weights(data.judged_store(), indices, of);
                }};
  if (const auto features = feature_function(stage.method()); features && depth != Depth::figures)
    judged.neighbours = [&data, &rule, features](const std::vector<int64_t>& indices) {
      return labelled_neighbours(data, features, rule, indices);
    };
  Evaluation evaluation = evaluate_logits(logits, data.judged, judged, data.dataset.classes);
  found.summary.update(evaluation.summary);
  found.detail = std::move(evaluation.detail);
  found.predictions = std::move(evaluation.predictions);
}

void add_transcription(Findings& found, Stage& stage, const PreparedData& data) {
  Evaluation evaluation =
      evaluate_transcripts(stage.transcripts(data.judged_store(), data.judged.index, kBeam), data.judged,
                           {*data.modality, *data.judged_source(), data.judged_store()});
  found.summary.update(evaluation.summary);
  found.detail = std::move(evaluation.detail);
  found.predictions = std::move(evaluation.predictions);
}

/// Beside a test set; where there is none, the validation set is what the run is judged by.
void add_validation(Findings& found, Stage& stage, const PreparedData& data) {
  if (!data.validation || data.judge == Judge::validation || data.validated.size() == 0) return;
  const Tensor logits = stage.logits(*data.validation, data.validated.index);
  found.summary.update(accuracy_figures("validation", logits, data.validated.label));
  found.summary["validation_examples"] = data.validated.size();
}

std::vector<int64_t> column_sums(const Json& confusion) {
  std::vector<int64_t> sums(confusion.size());
  for (const Json& row : confusion)
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += row.at(c).get<int64_t>();
  return sums;
}

/// What it makes of the examples without a label and of those it was taught, and what of that is a reason to warn.
void add_unlabelled(Findings& found, Stage& stage, const PreparedData& data, const Plan& plan) {
  const LogitFunction logits = [&stage](const ExampleStore& store, const std::vector<int64_t>& indices) {
    return stage.logits(store, indices);
  };
  const std::size_t classes = data.dataset.classes.size();
  const Answers labelled = ask(logits, *data.train, data.labeled, kAskedLabels);
  const int64_t trained = trained_on(stage, plan);
  const int64_t most = data.judge == Judge::none ? kAskedUnlabelled : kAskedBesideTruth;
  const Answers unlabelled =
      ask(logits, *data.train, data.unlabeled, std::clamp(trained / kAskedShare, kAskedAtLeast, most));

  Observed seen;
  seen.classes = data.dataset.classes;
  seen.labels = class_counts(data.labeled, classes);
  if (unlabelled.size() > 0) {
    seen.unlabelled = called(unlabelled, classes);
    seen.unlabelled_true = class_counts(unlabelled.pool, classes);
  }
  seen.labels_asked = labelled.size();
  seen.labels_right = right_answers(labelled);
  if (data.judge != Judge::none) {
    seen.judged_called = column_sums(found.detail.at("confusion"));
    seen.judged_true = class_counts(data.judged, classes);
    seen.temperature = found.summary.at("temperature").get<double>();
    seen.accuracy = found.summary.at("accuracy").get<double>();
  }
  if (seen.labels_asked > 0)
    found.summary["label_accuracy"] = static_cast<double>(seen.labels_right) / static_cast<double>(seen.labels_asked);
  if (const auto warnings = warnings_of(seen); !warnings.empty()) found.summary["warnings"] = warnings_json(warnings);
  if (Json json = unlabelled_json(labelled, unlabelled, data); !json.empty())
    found.detail["unlabelled"] = std::move(json);
}

void add_notes(Findings& found, const PreparedData& data) {
  if (data.judge != Judge::none)
    found.notes.push_back(std::string("Accuracy is that of the last averaged weights. ") + kNothingSelected);
  if (data.judge == Judge::hidden_labels)
    found.notes.push_back(no_test(data) +
                          ": accuracy is measured on the unlabelled examples themselves, whose labels were hidden from "
                          "training.");
  if (data.judge == Judge::validation)
    found.notes.push_back(no_test(data) + ": accuracy is measured on the validation set.");
  if (data.judge != Judge::none)
    found.notes.push_back(
        "The temperature is fitted on one half of the evaluation examples and judged on the other, both "
        "ways; the saved model is not scaled by it.");
}

void add_representation(Findings& found, const FeatureFunction& features, const PreparedData& data, const Plan& plan,
                        const Normalization& rule) {
  if (plan.probe == "none") return;
  if (!can_probe(data)) {
    const bool damaged = data.test && data.judge == Judge::none;
    found.notes.push_back((damaged ? no_test(data) + ", so nothing judges the features."
                                   : "The data hold no labels to judge the features by.") +
                          " `fewlabel evaluate RUN DATA --probe knn` measures them on labelled examples.");
    return;
  }
  const ProbeLimits limits = probe_limits(plan);
  const Representation frozen(data, features, rule, limits);
  const Features &known = frozen.known(), &judged = frozen.judged();
  found.summary["test_examples"] = judged.y.numel();
  found.summary["probe_labels"] = known.y.numel();
  const KnnOptions euclidean{.k = 10, .distance = Distance::euclidean};
  found.summary["knn_accuracy"] = share_equal(knn_classify(known, judged.x), judged.y);
  found.summary["knn_euclidean_accuracy"] = share_equal(knn_classify(known, judged.x, euclidean), judged.y);
  found.summary["linear_accuracy"] = share_equal(linear_classify(known, judged.x), judged.y);
  const Representation pixels(data, pixel_features(), pixel_rule(rule.layout), limits);
  found.summary["pixels_knn_accuracy"] =
      share_equal(knn_classify(pixels.known(), pixels.judged().x, euclidean), judged.y);
  const Spread spread = measure_spread(judged.x.slice(0, 0, kSpread));
  found.summary["embedding_spread"] = spread.spread.item<double>();
  found.summary["embedding_rank"] = spread.rank.item<double>();
  found.detail["classes"] = data.dataset.classes;
  found.detail["embedding_map"] = principal_map(judged);
  found.notes.push_back(
      "The features were learnt without labels. The probes learn from the labelled examples and are judged on "
      "others; nothing was selected on those.");
  if (plan.probe == "quick") found.notes.push_back("Probes used a part of the examples (probe = \"quick\").");
}

void add_reconstructions(Findings& found, Reconstructor& reconstructor, const PreparedData& data,
                         const Normalization& rule) {
  const bool judged = data.judge != Judge::none;
  const ExampleStore& store = judged ? data.judged_store() : *data.train;
  Pool pool = judged ? data.judged : data.unlabeled.size() ? data.unlabeled : data.labeled;
  drop_damaged(pool, store);
  found.summary["reconstruction_error"] = reconstruction_error(reconstructor, store, pool.index, rule);
  std::vector<Image> originals, rebuilt;
  const Pool few = part_of(pool, kColumns);
  logits_of(
      [&](const Tensor& x) {
        for (Image& image : to_images(to_pixels(x, rule))) originals.push_back(std::move(image));
        for (Image& image : to_images(reconstructed(reconstructor, x))) rebuilt.push_back(std::move(image));
        return torch::zeros({x.size(0), 1});
      },
      store, few.index, rule);
  originals.insert(originals.end(), rebuilt.begin(), rebuilt.end());
  found.detail["reconstructions"] = {{"png_base64", base64(encode_png(tile(originals, few.size())))}};
}

/// Greedily: a search takes longer than a look at the curve is worth.
std::vector<std::pair<std::string, double>> monitored_transcripts(Stage& stage, const PreparedData& data) {
  const Pool part = part_of(data.judged, kMonitoredAtLeast);
  const Evaluation evaluation = evaluate_transcripts(stage.transcripts(data.judged_store(), part.index, 1), part,
                                                     {*data.modality, *data.judged_source(), data.judged_store()});
  return {{data.judge == Judge::validation ? "validation/word_error_rate" : "test/word_error_rate",
           evaluation.summary.at("word_error_rate").get<double>()}};
}

}  // namespace

std::string no_test(const PreparedData& data) {
  if (!data.dataset.test) return "There is no test set";
  return data.test ? "Every labelled example of the test set is damaged" : "No example of the test set has a label";
}

ProbeLimits probe_limits(const Plan& plan) { return plan.probe == "quick" ? ProbeLimits{10000, 2000} : ProbeLimits{}; }

Findings measure(Stage& stage, const PreparedData& data, const Plan& plan, const Normalization& rule, Depth depth) {
  const torch::NoGradGuard no_gradient;
  const EvaluationScope evaluating(stage.method());
  Findings found;
  const bool unlabelled = learns_without_labels(plan.method);
  if (stage.classifier() && !unlabelled) {
    if (data.judge != Judge::none) add_classification(found, stage, data, rule, depth);
    if (depth == Depth::figures) return found;
    add_validation(found, stage, data);
    add_unlabelled(found, stage, data, plan);
    add_notes(found, data);
  }
  if (stage.transcriber()) {
    if (data.judge != Judge::none) add_transcription(found, stage, data);
    if (depth == Depth::figures) return found;
    if (data.judge != Judge::none) found.notes.push_back(kNothingSelected);
  }
  if (const auto features = feature_function(stage.method()); features && unlabelled)
    add_representation(found, features, data, plan, rule);
  if (auto* reconstructor = dynamic_cast<Reconstructor*>(&stage.method()))
    add_reconstructions(found, *reconstructor, data, rule);
  if (auto* sampler = dynamic_cast<Sampler*>(&stage.method()))
    found.detail["samples"] = {
        {"png_base64", base64(sample_sheet(*sampler, static_cast<int64_t>(data.dataset.classes.size()),
                                           static_cast<uint64_t>(plan.seed)))}};
  if (!unlabelled && !data.transcribed) found.detail["label_examples"] = labelled_exhibits(data);
  return found;
}

std::vector<std::pair<std::string, double>> monitored(Stage& stage, const PreparedData& data, const Plan& plan,
                                                      const Normalization& rule) {
  if (data.judge == Judge::none) return {};
  if (!learns_without_labels(plan.method)) {
    if (stage.transcriber()) return monitored_transcripts(stage, data);
    if (!stage.classifier()) return {};
    const Pool part =
        part_of(data.judged, std::clamp(trained_on(stage, plan) / kMonitoredShare, kMonitoredAtLeast, kMonitored));
    const Tensor predicted = stage.logits(data.judged_store(), part.index).argmax(1);
    return {{data.judge == Judge::validation ? "validation/accuracy" : "test/accuracy",
             share_equal(predicted, torch::tensor(part.label, torch::kLong))}};
  }
  const auto features = feature_function(stage.method());
  if (!features || plan.probe == "none" || !can_probe(data)) return {};
  const Representation frozen(data, features, rule, {kMonitoredKnown, kMonitoredProbe});
  return {{"knn/accuracy", share_equal(knn_classify(frozen.known(), frozen.judged().x), frozen.judged().y)}};
}

std::string sample_sheet(Sampler& sampler, int64_t classes, uint64_t seed) {
  if (!sampler.conditional() || classes < 2)
    return encode_png(
        tile(to_images(sampler.sample({.count = kRows * kColumns, .label = -1, .seed = seed})), kColumns));
  std::vector<Image> images;  // a column for each class
  const int64_t columns = std::min<int64_t>(classes, 2 * kColumns);
  std::vector<std::vector<Image>> of_class;
  for (int64_t c = 0; c < columns; ++c)
    of_class.push_back(to_images(sampler.sample({.count = kRows, .label = c, .seed = seed})));
  for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row)
    for (const auto& column : of_class) images.push_back(column.at(row));
  return encode_png(tile(images, columns));
}

}  // namespace fewlabel
