#include "fewlabel/predictor.h"

#include <filesystem>

#include "eval/model.h"
#include "train/device.h"

namespace fewlabel {

struct Predictor::Impl {
  torch::Device device = choose_device();
  LoadedModel model;
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
const Json& Predictor::meta() const { return impl_->model.meta; }

std::vector<std::vector<float>> Predictor::predict(const std::vector<Image>& images) const {
  const ImageShape shape = image_shape(layout());
  const auto bytes = static_cast<std::size_t>(shape.bytes());
  std::vector<uint8_t> pixels(bytes * images.size());
  for (std::size_t i = 0; i < images.size(); ++i) resize_into(images[i], shape, pixels.data() + i * bytes);
  return predict(pixels.data(), static_cast<int64_t>(images.size()));
}

std::vector<std::vector<float>> Predictor::predict(const std::vector<Raw>& examples) const {
  const auto bytes = static_cast<std::size_t>(layout().bytes());
  std::vector<uint8_t> values(bytes * examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i)
    modality().decode(std::to_string(i), examples[i], layout(), values.data() + i * bytes);
  return predict(values.data(), static_cast<int64_t>(examples.size()));
}

std::vector<std::vector<float>> Predictor::predict(const uint8_t* examples, int64_t count) const {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<float>> rows;
  if (count == 0) return rows;
  const Tensor x = normalised(examples, count, impl_->model.card.normalization).to(impl_->device);
  const Tensor probability = impl_->model.net->forward(x).to(torch::kFloat).softmax(1).cpu().contiguous();
  for (int64_t i = 0; i < count; ++i) {
    const float* row = probability.data_ptr<float>() + i * probability.size(1);
    rows.emplace_back(row, row + probability.size(1));
  }
  return rows;
}

}  // namespace fewlabel
