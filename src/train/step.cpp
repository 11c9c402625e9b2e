#include "train/step.h"

#include <fmt/format.h>

#include <cmath>

#include "fewlabel/error.h"
#include "train/precision.h"
#include "train/spread.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

std::string name_of(const Tensor& tensor, const torch::OrderedDict<std::string, Tensor>& registered,
                    std::string_view group) {
  for (const auto& entry : registered)
    if (entry.value().is_same(tensor)) return entry.key();
  throw Error(ErrorKind::failure, fmt::format("method group '{}'", group),
              "a parameter of the group is not registered with the method, so it could not be saved",
              "register the module or parameter in the method's constructor");
}

}  // namespace

TrainerStep::TrainerStep(Method& method, StepSettings settings) : settings_(std::move(settings)) {
  const auto registered = method.named_parameters();
  for (const auto& [group, tensors] : method.groups()) {
    std::vector<NamedParameter> parameters;
    for (const Tensor& tensor : tensors) parameters.push_back({name_of(tensor, registered, group), tensor});
    groups_.emplace(
        group, Group{Optimizer(std::move(parameters), settings_.optimizer, settings_.average), method.rate(group)});
  }
}

TrainerStep::Group& TrainerStep::find(std::string_view group) {
  const auto found = groups_.find(group);
  if (found != groups_.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& entry : groups_) known.push_back(entry.first);
  throw Error(ErrorKind::failure, "method " + settings_.method_name,
              fmt::format("minimises the group '{}', which it does not have", group), suggestion(group, known));
}

void TrainerStep::minimize(const Tensor& loss, std::string_view group) {
  backward(loss, group);
  const Tensor value = loss.device().is_cpu() ? loss.detach() : loss.detach().clone();  // read when it is asked for
  for (const std::string& name : loss_names(group)) metrics_.add(name, value);
  apply(group);
}

std::vector<std::string> TrainerStep::loss_names(std::string_view group) const {
  if (group == "model") return {"loss"};
  std::vector<std::string> names = {fmt::format("loss/{}", group)};
  if (!groups_.contains("model") && groups_.begin()->first == group) names.emplace_back("loss");
  return names;
}

bool TrainerStep::is_own_name(std::string_view name) const {
  constexpr std::string_view kPrefix = "loss/";
  return name == "loss" || (name.starts_with(kPrefix) && groups_.contains(name.substr(kPrefix.size())));
}

void TrainerStep::backward(const Tensor& loss, std::string_view group) {
  const std::vector<Tensor>& into = parameters(group);
  if (!loss.requires_grad() || loss.numel() != 1)
    throw Error(ErrorKind::failure, "method " + settings_.method_name,
                "minimises something that is not a scalar with a gradient");
  if (loss.device().is_cpu())  // elsewhere reading it would stall the device: the norm of the gradient tells as well
    if (const auto value = loss.item<double>(); !std::isfinite(value)) diverged("loss", group, value, place_.update);
  const AutocastPause full_precision(loss.device().type());
  compat::backward(settings_.accumulate == 1 ? loss : loss / static_cast<double>(settings_.accumulate), into);
}

void TrainerStep::apply(std::string_view group) {
  auto& [optimizer, rate, pending] = find(group);
  minimized_ = true;
  if (++pending < settings_.accumulate) return;
  pending = 0;
  const Tensor norm = optimizer.update(place_.lr * rate);
  if (norm.device().is_cpu()) {
    if (const auto value = norm.item<double>(); !std::isfinite(value))
      diverged("gradient", group, value, place_.update);
  } else {
    waiting_norms_.push_back({place_.update, std::string(group), norm});
  }
  metrics_.add(group == "model" ? "gradient_norm" : fmt::format("gradient_norm/{}", group), norm);
}

void TrainerStep::check_norms() {
  if (waiting_norms_.empty()) return;
  const std::vector<WaitingNorm> waiting = std::exchange(waiting_norms_, {});
  std::vector<Tensor> norms;
  for (const WaitingNorm& each : waiting) norms.push_back(each.norm);
  const Tensor read = at::stack(norms).to(at::kCPU, at::kDouble);
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (const double value = read.data_ptr<double>()[i]; !std::isfinite(value))
      diverged("gradient", waiting[i].group, value, waiting[i].update);
}

void TrainerStep::diverged(std::string_view what, std::string_view group, double value, int64_t update) const {
  throw Error(ErrorKind::diverged, "train",
              fmt::format("the {} of {} (group {}) became {} at step {}", what, settings_.method_name, group, value,
                          update + 1),
              fmt::format("{}; try a smaller optimizer.lr, optimizer.clip=1 or train.precision=fp32",
                          place_.last_checkpoint.empty() ? "no checkpoint had been saved"
                                                         : "the last good checkpoint is " + place_.last_checkpoint));
}

void TrainerStep::log(std::initializer_list<std::pair<std::string_view, Tensor>> values) {
  // A GPU's values are read later, when a method may have changed its tensor in place.
  for (const auto& [name, value] : values)
    if (!is_own_name(name)) metrics_.add(name, value.device().is_cpu() ? value.detach() : value.detach().clone());
}

void TrainerStep::pseudo_labels(const Tensor& label, const Tensor& kept) {
  const at::NoGradGuard no_gradient;
  if (!kept.device().is_cpu()) return pseudo_labels_on_gpu(label, kept);
  const Tensor weight = kept.detach().to(at::kCPU, at::kDouble).reshape({-1}).contiguous();
  metrics_.add("pseudo_labels/kept", weight.mean());
  if (settings_.hidden_labels.empty() || !place_.unlabeled_index.defined()) return;
  const Tensor guess = label.detach().to(at::kCPU, at::kLong).reshape({-1}).contiguous();
  const Tensor index = place_.unlabeled_index.to(at::kCPU).contiguous();
  if (guess.numel() != index.numel() || weight.numel() != index.numel()) return;  // not one for each example
  double right = 0, total = 0;
  for (int64_t i = 0; i < index.numel(); ++i) {
    const int32_t truth = settings_.hidden_labels.at(static_cast<std::size_t>(index.data_ptr<int64_t>()[i]));
    if (truth < 0) continue;
    const double share = weight.data_ptr<double>()[i];
    total += share;
    if (guess.data_ptr<int64_t>()[i] == truth) right += share;
  }
  if (total > 0) metrics_.add("pseudo_labels/accuracy", right / total, total);
}

// The same without reading anything back.
void TrainerStep::pseudo_labels_on_gpu(const Tensor& label, const Tensor& kept) {
  const Tensor weight = kept.detach().to(at::kFloat).reshape({-1});
  metrics_.add("pseudo_labels/kept", weight.mean());
  const Tensor& index = place_.unlabeled_index;
  if (settings_.hidden_labels.empty() || !index.defined()) return;
  const Tensor guess = label.detach().reshape({-1});
  if (guess.numel() != index.numel() || weight.numel() != index.numel()) return;
  if (!hidden_on_gpu_.defined()) hidden_on_gpu_ = torch::tensor(settings_.hidden_labels, at::kLong).to(kept.device());
  const Tensor truth = hidden_on_gpu_.index_select(0, index);
  const Tensor share = weight * truth.ge(0);
  metrics_.add_share("pseudo_labels/accuracy", (share * guess.eq(truth)).sum(), share.sum());
}

void TrainerStep::embeddings(const Tensor& z) {
  constexpr int64_t kEvery = 10, kRows = 256;
  if (place_.update % kEvery != 0 || z.dim() != 2 || z.size(0) < 2) return;
  const at::NoGradGuard no_gradient;
  const Spread found = measure_spread(z.slice(0, 0, kRows));
  metrics_.add("embedding/spread", found.spread);
  metrics_.add("embedding/rank", found.rank);
}

bool TrainerStep::take_minimized() { return std::exchange(minimized_, false); }

void TrainerStep::enter_average() {
  if (averaged_++ == 0) swap_average();
}

void TrainerStep::leave_average() {
  if (--averaged_ == 0) swap_average();
}

void TrainerStep::swap_average() {
  for (auto& entry : groups_) entry.second.optimizer.swap_average();
}

Json TrainerStep::save(TensorMap& state, TensorMap& average) const {
  Json counts = Json::object();
  for (const auto& [name, group] : groups_) {
    TensorMap own;
    group.optimizer.save(own, average);
    for (auto& [key, tensor] : own) state[name + ":" + key] = tensor;
    counts[name] = {{"updates", group.optimizer.updates()}, {"pending", group.pending}};
  }
  return counts;
}

void TrainerStep::load(const TensorMap& state, const TensorMap& average, const Json& counts) {
  for (auto& [name, group] : groups_) {
    TensorMap own;
    const std::string prefix = name + ":";
    for (const auto& [key, tensor] : state)
      if (key.starts_with(prefix)) own[key.substr(prefix.size())] = tensor;
    group.optimizer.load(own, average, counts.at(name).at("updates").get<int64_t>());
    group.pending = counts.at(name).at("pending").get<int64_t>();
  }
}

}  // namespace fewlabel
