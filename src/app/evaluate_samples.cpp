// `fewlabel evaluate RUN [DATA] --judge CLASSIFIER_RUN`: samples beside real examples, on features of a classifier that
// fewlabel trained. The figures depend on that classifier and on the number of samples, so both are named.
#include <algorithm>

#include "app/evaluate.h"
#include "app/representation.h"
#include "app/sampling.h"
#include "core/work.h"
#include "eval/classify.h"
#include "eval/pictures.h"
#include "eval/quality.h"
#include "fewlabel/error.h"
#include "fewlabel/run.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

/// What the judge sees in images: its features, and the class it names.
struct Seen {
  Tensor features, label;
};

class JudgeNet {
 public:
  explicit JudgeNet(const std::string& run)
      : device_(choose_device()), loaded_(load_method(run, device_)), rule_(loaded_.card.normalization()) {
    auto* classifier = dynamic_cast<Classifier*>(loaded_.method.get());
    if (!classifier)
      throw Error(ErrorKind::usage, run, loaded_.card.name() + " is no classifier, so it cannot judge samples",
                  "give a run that learnt to classify such images, for example method=supervised");
    net_ = classifier->network();
  }

  Seen look(const std::vector<Image>& images) const {
    const torch::NoGradGuard no_gradient;
    const auto slice = static_cast<std::size_t>(examples_at_a_time(rule_.layout));
    const auto bytes = static_cast<std::size_t>(rule_.layout.bytes());
    std::vector<Tensor> features, labels;
    Work work("judging images", static_cast<int64_t>(images.size()));
    for (std::size_t begin = 0; begin < images.size(); begin += slice) {
      const std::size_t count = std::min(slice, images.size() - begin);
      std::vector<uint8_t> pixels(count * bytes);
      for (std::size_t i = 0; i < count; ++i)
        resize_into(images[begin + i], image_shape(rule_.layout), pixels.data() + i * bytes);
      const Tensor x = normalised(pixels.data(), static_cast<int64_t>(count), rule_).to(device_);
      const Tensor seen = net_->features(x).flatten(1).to(torch::kFloat);
      features.push_back(seen.cpu());
      labels.push_back(net_->classify(seen).argmax(1).cpu());
      work.advance(static_cast<int64_t>(count));
    }
    return {torch::cat(features), torch::cat(labels)};
  }

  const std::vector<std::string>& classes() const { return loaded_.card.classes; }
  const std::string name() const { return loaded_.card.name(); }

 private:
  torch::Device device_;
  LoadedMethod loaded_;
  Normalization rule_;
  Net net_;
};

std::vector<Image> images_of(const ExampleStore& store, const Pool& pool) {
  std::vector<Image> images;
  Work work("reading images", pool.size());
  for (const int64_t index : pool.index) {
    work.advance();
    images.push_back(image_of(store, index));
  }
  return images;
}

Json figures(const Seen& real, const Seen& other) {
  const PrecisionRecall found = precision_recall(real.features, other.features);
  return {{"frechet_distance", frechet_distance(real.features, other.features)},
          {"precision", found.precision},
          {"recall", found.recall}};
}

Json histogram(const Seen& seen, const std::vector<std::string>& classes) {
  const Tensor counts = torch::bincount(seen.label, {}, static_cast<int64_t>(classes.size()));
  Json result = Json::array();
  for (std::size_t c = 0; c < classes.size(); ++c)
    result.push_back({{"class", classes[c]}, {"count", counts[static_cast<int64_t>(c)].item<int64_t>()}});
  return result;
}

}  // namespace

Json evaluate_samples(const EvaluateRequest& request) {
  at::set_num_threads(usable_threads());
  LoadedMethod loaded = load_method(request.run, choose_device());
  sampler_of(loaded, -1);
  const JudgeNet judge(request.judge);
  const PreparedData data = data_to_judge(request, &loaded);
  // Real examples that judge, and as many others that show what real ones score: the distance depends on how many.
  Pool training = data.labeled;
  training.index.insert(training.index.end(), data.unlabeled.index.begin(), data.unlabeled.index.end());
  training.label.resize(training.index.size(), kUnlabeled);
  const int64_t count = std::min({request.count, data.judged.size(), training.size()});
  if (count < 10) throw Error(ErrorKind::data, to_string(data.split), "has too few examples to judge samples by");
  const Seen real = judge.look(images_of(data.judged_store(), part_of(data.judged, count)));
  Pool few = part_of(training, count);
  drop_damaged(few, *data.train);
  const Seen others = judge.look(images_of(*data.train, few));
  std::vector<Image> images;
  std::vector<int64_t> asked;
  draw_samples(loaded, {count, -1, request.seed}, [&](Image image, int64_t label) {
    images.push_back(std::move(image));
    asked.push_back(label);
  });
  const Seen samples = judge.look(images);

  Json result = {{"run", request.run},
                 {"data", to_string(data.split)},
                 {"method", loaded.card.name()},
                 {"judge", request.judge},
                 {"judge_method", judge.name()},
                 {"count", count},
                 {"seed", request.seed},
                 {"samples", figures(real, samples)},
                 {"real", figures(real, others)},
                 {"sample_classes", histogram(samples, judge.classes())},
                 {"real_classes", histogram(others, judge.classes())}};
  if (asked.front() >= 0 && judge.classes() == loaded.card.classes)
    result["label_agreement"] = share_equal(samples.label, torch::tensor(asked, torch::kLong));
  keep_findings(request.run, "samples", result);
  return result;
}

}  // namespace fewlabel
