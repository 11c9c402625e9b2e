#include "fewlabel/predictor.h"

#include <filesystem>

#include "eval/classify.h"
#include "eval/model.h"
#include "eval/transcriber.h"
#include "fewlabel/error.h"
#include "train/device.h"

namespace fewlabel {

struct Predictor::Impl {
  torch::Device device = choose_device();
  LoadedModel model;

  Tensor answers(const uint8_t* views, int64_t count) {
    const Tensor x = normalised(views, count, model.card.normalization).to(device);
    return (model.card.transcribes ? flat_emissions(*model.net, x) : model.net->forward(x)).to(torch::kFloat).cpu();
  }

  /// Of what is longer than a view the mean of all that show it.
  Tensor logits(const uint8_t* examples, int64_t count) {
    const Layout& seen = model.card.normalization.layout;
    const Modality& modality = *model.card.modality;
    const Layout kept = modality.kept(seen);
    if (kept == seen) return answers(examples, count);
    PooledAnswers pooled([this](const uint8_t* views, int64_t views_count) { return answers(views, views_count); },
                         seen);
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* example = examples + i * kept.bytes();
      pooled.add(modality.parts(example, seen),
                 [&](int64_t part, uint8_t* out) { modality.plain(example, seen, part, out); });
    }
    return pooled.finish();
  }
};

Predictor::Predictor(const std::string& path) : impl_(std::make_unique<Impl>()) {
  const std::filesystem::path folder(path);
  const bool bare = !std::filesystem::exists(folder / "model") && std::filesystem::exists(folder / "meta.json");
  impl_->model = load_model(bare ? folder : folder / "model", impl_->device);
}
Predictor::~Predictor() = default;

const std::vector<std::string>& Predictor::classes() const { return impl_->model.card.classes; }
const Layout& Predictor::layout() const { return impl_->model.card.normalization.layout; }
const Modality& Predictor::modality() const { return *impl_->model.card.modality; }
bool Predictor::transcribes() const { return impl_->model.card.transcribes; }
const Json& Predictor::meta() const { return impl_->model.meta; }

std::vector<std::vector<float>> Predictor::predict(const std::vector<Image>& images) const {
  const ImageShape shape = image_shape(layout());
  const auto bytes = static_cast<std::size_t>(shape.bytes());
  std::vector<uint8_t> pixels(bytes * images.size());
  for (std::size_t i = 0; i < images.size(); ++i) resize_into(images[i], shape, pixels.data() + i * bytes);
  return predict(pixels.data(), static_cast<int64_t>(images.size()));
}

std::vector<std::vector<float>> Predictor::predict(const std::vector<Raw>& examples) const {
  const Layout kept = modality().kept(layout());
  const auto bytes = static_cast<std::size_t>(kept.bytes());
  std::vector<uint8_t> values(bytes * examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i)
    modality().decode(std::to_string(i), examples[i], kept, values.data() + i * bytes);
  return predict(values.data(), static_cast<int64_t>(examples.size()));
}

std::vector<Transcript> Predictor::transcribe(const uint8_t* examples, int64_t count) const {
  const torch::NoGradGuard no_grad;
  if (!transcribes()) throw Error(ErrorKind::usage, "model", "tells classes apart and writes nothing down");
  if (count == 0) return {};
  return transcripts_of(impl_->logits(examples, count), classes());
}

std::vector<std::vector<float>> Predictor::predict(const uint8_t* examples, int64_t count) const {
  const torch::NoGradGuard no_grad;
  if (transcribes()) throw Error(ErrorKind::usage, "model", "writes down what it hears and knows no classes");
  std::vector<std::vector<float>> rows;
  if (count == 0) return rows;
  const Tensor probability = impl_->logits(examples, count).softmax(1).contiguous();
  for (int64_t i = 0; i < count; ++i) {
    const float* row = probability.data_ptr<float>() + i * probability.size(1);
    rows.emplace_back(row, row + probability.size(1));
  }
  return rows;
}

}  // namespace fewlabel
