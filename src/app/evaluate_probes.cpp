// `fewlabel evaluate RUN [DATA] --probe …`
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "app/evaluate.h"
#include "app/findings.h"
#include "app/finetune.h"
#include "app/located.h"
#include "app/planning.h"
#include "core/cancel.h"
#include "core/console.h"
#include "core/files.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "modalities/modalities.h"
#include "plan/recipe.h"
#include "plan/resolve.h"
#include "train/device.h"
#include "train/machine.h"
#include "train/spread.h"

namespace fewlabel {
namespace {

constexpr int64_t kFinetuned = 100;  // labels, where --probe finetune says no number

/// Whether the run now holds what was found. That it does not is told, and no reason to throw: somebody waited for
/// these figures.
bool write_findings(const std::string& run, const std::string& name, const Json& found) {
  try {
    const RunFolder folder = RunFolder::open(run);
    Json all = folder.read_json(folder.probes());
    if (!all.is_object()) all = Json::object();
    all[name] = found;
    folder.write_json(folder.probes(), all);
    return true;
  } catch (const Error& error) {
    tell(stderr,
         fmt::format("fewlabel: the run does not keep these figures: [{}] {}\n", error.where(), error.message()));
    return false;
  }
}

/// "finetune@100" → finetune, 100
std::pair<std::string, int64_t> parse_probe(const std::string& text) {
  const auto at = text.find('@');
  const std::string name = text.substr(0, at);
  const std::vector<std::string> known = {"knn", "linear", "cluster", "reconstruction", "finetune"};
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw Error(ErrorKind::usage, "evaluate", fmt::format("there is no probe '{}'", name), suggestion(name, known));
  int64_t number = name == "finetune" ? kFinetuned : 0;
  if (at == std::string::npos) return {name, number};
  const std::string digits = text.substr(at + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (name != "finetune" || error != std::errc() || end != digits.data() + digits.size() || number < 1)
    throw Error(ErrorKind::usage, "evaluate", fmt::format("--probe {} is not understood", text),
                "only finetune takes a number: finetune@100");
  return {name, number};
}

class Probes {
 public:
  explicit Probes(const EvaluateRequest& request) : request_(request), pixels_(request.run == "pixels") {
    for (const std::string& text : request.probes) wanted_.push_back(parse_probe(text));
    if (pixels_) {
      if (request.data.empty())
        throw Error(ErrorKind::usage, "evaluate", "pixels alone have no data",
                    "name some: fewlabel evaluate pixels fashion_mnist --probe knn");
      features_ = pixel_features();
    } else {
      loaded_ = load_method(request.run, choose_device());
      features_ = feature_function(*loaded_.method);
    }
    data_ = data_to_judge(request, pixels_ ? nullptr : &loaded_);
    rule_ = pixels_ ? pixel_rule(data_.train->layout()) : loaded_.card.normalization();
  }

  Json run() {
    Json result = {{"run", request_.run},
                   {"data", to_string(data_.split)},
                   {"method", pixels_ ? "pixels" : loaded_.card.name()},
                   {"test_examples", data_.judged.size()}};
    bool keeps = !pixels_;
    for (const auto& [name, number] : wanted_) {
      stop_if_cancelled("evaluate");
      Json found = name == "finetune"         ? tuned(number)
                   : name == "reconstruction" ? rebuilt()
                   : name == "knn"            ? neighbours()
                   : name == "linear"         ? linear()
                                              : clusters();
      if (keeps) {
        Json with_data = found;
        with_data["data"] = result["data"];
        keeps = write_findings(request_.run, name == "finetune" ? fmt::format("finetune@{}", number) : name, with_data);
      }
      result.update(found);
    }
    return result;
  }

 private:
  const Representation& frozen() {
    if (!features_)
      throw Error(ErrorKind::usage, "method " + loaded_.card.name(), "gives no features",
                  "give the run of a classifier or of a method that encodes");
    if (!frozen_) frozen_ = std::make_unique<Representation>(data_, features_, rule_);
    return *frozen_;
  }

  Json neighbours() {
    const Features &known = frozen().known(), &judged = frozen().judged();
    const auto accuracy = [&](Distance distance) {
      return share_equal(knn_classify(known, judged.x, {.k = request_.k, .distance = distance}), judged.y);
    };
    const Spread spread = measure_spread(judged.x.slice(0, 0, 2000));
    return {{"probe_labels", known.y.numel()},
            {"knn_k", request_.k},
            {"knn_accuracy", accuracy(Distance::cosine)},
            {"knn_euclidean_accuracy", accuracy(Distance::euclidean)},
            {"embedding_spread", spread.spread.item<double>()},
            {"embedding_rank", spread.rank.item<double>()}};
  }

  Json linear() {
    const Features &known = frozen().known(), &judged = frozen().judged();
    return {{"probe_labels", known.y.numel()},
            {"linear_accuracy", share_equal(linear_classify(known, judged.x), judged.y)}};
  }

  Json clusters() {
    const Features& judged = frozen().judged();
    const auto classes = static_cast<int64_t>(data_.dataset.classes.size());
    const Tensor found = k_means(judged.x, {.clusters = classes, .seed = static_cast<uint64_t>(data_.split.seed)});
    return {{"clusters", classes}, {"cluster_accuracy", cluster_accuracy(found, judged.y)}};
  }

  Json rebuilt() {
    auto* reconstructor = pixels_ ? nullptr : dynamic_cast<Reconstructor*>(loaded_.method.get());
    if (!reconstructor)
      throw Error(ErrorKind::usage, pixels_ ? "pixels" : "method " + loaded_.card.name(), "reconstructs nothing",
                  "give the run of an autoencoder");
    return {{"reconstruction_error",
             reconstruction_error(*reconstructor, data_.judged_store(), data_.judged.index, rule_)}};
  }

  Json tuned(int64_t labels) {
    if (pixels_) throw Error(ErrorKind::usage, "pixels", "have no net to fine-tune", "give a run");
    const auto initial = std::make_shared<InitialNet>(load_initial(request_.run));
    return finetune(data_, {.labels = labels, .steps = request_.steps, .seed = data_.split.seed}, rule_, initial);
  }

  const EvaluateRequest& request_;
  bool pixels_;
  std::vector<std::pair<std::string, int64_t>> wanted_;
  LoadedMethod loaded_;
  FeatureFunction features_;
  PreparedData data_;
  Normalization rule_;
  std::unique_ptr<Representation> frozen_;
};

}  // namespace

PreparedData data_to_judge(const EvaluateRequest& request, const LoadedMethod* method) {
  DataPlan plan;
  if (request.data.empty()) {
    const RunFolder folder = RunFolder::open(request.run);
    plan = located(parse_plan(read_file(folder.plan()), folder.plan().string()).data, folder);
  } else {
    plan.path = request.data;
  }
  // Other texts would make another vocabulary, in whose ids the method cannot read.
  if (method && method->card.task.layout.kind == Kind::text)
    plan.tokenizer = (method->folder / kTokenizerFile).string();
  if (method && method->card.task.layout.kind == Kind::audio) take_front_end(plan, read_front_end(method->folder));
  PreparedData data = open_data(plan, false);
  if (data.judge == Judge::none)
    throw Error(ErrorKind::data, to_string(data.split), "has no labelled examples to judge by",
                "name others: fewlabel evaluate RUN DATA, or hide labels with DATA@N");
  if (method) {
    bring_into(plan, method->card.task.layout);
  } else if (!request.data.empty()) {
    TrainConfig config;
    config.method = Json{{"name", "pixels"}};
    plan = resolve(config, {.found = data.found, .labeled = 1, .unlabeled = 0, .classes = 1}).plan.data;
  }
  load_data(data, plan, usable_threads());
  return data;
}

void keep_findings(const std::string& run, const std::string& name, const Json& found) {
  write_findings(run, name, found);
}

Json evaluate_probes(const EvaluateRequest& request) {
  at::set_num_threads(usable_threads());
  return Probes(request).run();
}

}  // namespace fewlabel
