#include "app/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "core/csv.h"
#include "eval/probe.h"
#include "report/statistics.h"

namespace fewlabel {
namespace {

struct Judgements {
  std::vector<float> logits;  // row-major
  std::vector<int32_t> predicted;
  std::vector<double> confidence;
  std::vector<bool> correct;
};

Judgements judgements_of(const Tensor& logits, const std::vector<int32_t>& labels) {
  const Tensor plain = logits.to(torch::kFloat).contiguous();
  const auto [confidence, predicted] = plain.softmax(1).max(1);
  Judgements answers;
  answers.logits.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    answers.predicted.push_back(static_cast<int32_t>(predicted[at].item<int64_t>()));
    answers.confidence.push_back(confidence[at].item<double>());
    answers.correct.push_back(answers.predicted.back() == labels[i]);
  }
  return answers;
}

std::vector<double> top_confidence(const std::vector<double>& probability, int64_t classes) {
  std::vector<double> top;
  for (auto row = probability.begin(); row != probability.end(); row += classes)
    top.push_back(*std::max_element(row, row + classes));
  return top;
}

/// Temperature fitted on one half of the examples and judged on the other, both ways round: with few labels there is no
/// validation split, and a temperature judged where it was fitted would flatter itself.
Calibration cross_fitted(const Judgements& answers, const std::vector<int32_t>& labels, int64_t classes) {
  std::vector<double> confidence(labels.size());
  for (const std::size_t half : {0u, 1u}) {
    std::vector<float> fit_logits, rest_logits;
    std::vector<int32_t> fit_labels;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      auto& into = i % 2 == half ? fit_logits : rest_logits;
      const auto row = answers.logits.begin() + static_cast<std::ptrdiff_t>(i) * classes;
      into.insert(into.end(), row, row + classes);
      if (i % 2 == half) fit_labels.push_back(labels[i]);
    }
    const double temperature = fit_temperature(fit_logits, fit_labels, classes);
    const auto top = top_confidence(softmax(rest_logits, classes, temperature), classes);
    for (std::size_t i = 1 - half, k = 0; i < labels.size(); i += 2, ++k) confidence[i] = top[k];
  }
  return calibration(confidence, answers.correct);
}

}  // namespace

void attach(Json& item, Json exhibit) {
  if (exhibit.at("kind") == "picture")
    item["png_base64"] = std::move(exhibit.at("png"));
  else
    item["exhibit"] = std::move(exhibit);
}

Json accuracy_figures(const std::string& name, const Tensor& logits, const std::vector<int32_t>& labels) {
  const auto total = static_cast<int64_t>(labels.size());
  const double accuracy = share_equal(logits.argmax(1), torch::tensor(labels, torch::kLong));
  const Interval interval = wilson_interval(std::llround(accuracy * static_cast<double>(total)), total);
  return {{name + "_accuracy", accuracy}, {name + "_low", interval.low}, {name + "_high", interval.high}};
}

Evaluation evaluate_logits(const Tensor& logits, const Pool& pool, const Judged& judged,
                           const std::vector<std::string>& classes) {
  const auto class_count = static_cast<int64_t>(classes.size());
  const Judgements answers = judgements_of(logits, pool.label);
  const auto right = std::count(answers.correct.begin(), answers.correct.end(), true);
  const auto total = static_cast<int64_t>(pool.label.size());
  const Interval interval = wilson_interval(right, total);
  const Calibration plain = calibration(answers.confidence, answers.correct);
  const Calibration fitted = cross_fitted(answers, pool.label, class_count);
  const Confusion confusion = confusion_matrix(pool.label, answers.predicted, class_count);

  Evaluation result;
  result.summary = {{"accuracy", static_cast<double>(right) / static_cast<double>(total)},
                    {"accuracy_low", interval.low},
                    {"accuracy_high", interval.high},
                    {"test_examples", total},
                    {"ece", plain.ece},
                    {"ece_calibrated", fitted.ece},
                    {"temperature", fit_temperature(answers.logits, pool.label, class_count)}};
  result.detail = {{"classes", classes},
                   {"confusion", confusion},
                   {"reliability", reliability_json(plain)},
                   {"reliability_calibrated", reliability_json(fitted)},
                   {"per_class", class_figures_json(classes, class_figures(confusion))}};

  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < answers.correct.size(); ++i)
    if (!answers.correct[i]) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](std::size_t a, std::size_t b) { return answers.confidence[a] > answers.confidence[b]; });
  wrong.resize(std::min(wrong.size(), kMistakes));
  result.detail["mistakes"] = Json::array();
  std::vector<int64_t> shown, said;
  for (const std::size_t i : wrong) {
    shown.push_back(pool.index[i]);
    said.push_back(answers.predicted[i]);
  }
  const auto weights = judged.weights ? judged.weights(shown, said) : std::vector<std::vector<float>>(shown.size());
  const auto neighbours = judged.neighbours ? judged.neighbours(shown) : std::vector<Json>(shown.size());
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    const std::size_t i = wrong[k];
    Json mistake = {{"name", judged.source.name(pool.index[i])},
                    {"true", classes[static_cast<std::size_t>(pool.label[i])]},
                    {"predicted", classes[static_cast<std::size_t>(answers.predicted[i])]},
                    {"probability", answers.confidence[i]}};
    attach(mistake, judged.modality.show({judged.source, judged.store, shown[k], weights[k]}));
    if (!neighbours[k].empty()) mistake["neighbours"] = neighbours[k];
    result.detail["mistakes"].push_back(std::move(mistake));
  }

  result.predictions = "path,label,predicted,probability\n";
  for (std::size_t i = 0; i < pool.index.size(); ++i)
    result.predictions +=
        fmt::format("{},{},{},{:.6f}\n", csv_field(judged.source.name(pool.index[i])),
                    csv_field(classes[static_cast<std::size_t>(pool.label[i])]),
                    csv_field(classes[static_cast<std::size_t>(answers.predicted[i])]), answers.confidence[i]);
  return result;
}

Json labelled_exhibits(const PreparedData& data) {
  constexpr int kPerClass = 10;
  constexpr std::size_t kAll = 200;
  std::map<int32_t, int> shown;
  std::vector<std::size_t> order(data.labeled.index.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return data.labeled.label[a] < data.labeled.label[b]; });
  Json examples = Json::array();
  for (const std::size_t i : order) {
    const int32_t label = data.labeled.label[i];
    if (examples.size() == kAll || ++shown[label] > kPerClass) continue;
    examples.push_back({{"class", data.dataset.classes[static_cast<std::size_t>(label)]}});
    attach(examples.back(), data.modality->show({*data.dataset.train, *data.train, data.labeled.index[i]}));
  }
  return examples;
}

}  // namespace fewlabel
