#include "eval/encoder_tensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

std::string shape(c10::IntArrayRef sizes) {
  std::vector<std::string> parts;
  for (const int64_t size : sizes) parts.push_back(std::to_string(size));
  return fmt::format("[{}]", join(parts, ", "));
}

}  // namespace

Tensor EncoderTensors::take(const std::string& name, c10::IntArrayRef wanted) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(fmt::format("'{}' is missing", name));
  const Tensor tensor = found->second;
  if (tensor.sizes() != wanted)
    fail(fmt::format("'{}' has the shape {}, wanted {}", name, shape(tensor.sizes()), shape(wanted)));
  tensors_.erase(found);
  return tensor.to(torch::kFloat);
}

void EncoderTensors::copy(const TensorMap& net, const std::string& ours, const std::string& name) {
  for (const char* part : {".weight", ".bias"}) {
    const Tensor& to = net.at(ours + part);
    Tensor(to).copy_(take(name + part, to.sizes()));
  }
}

void EncoderTensors::copy_layer(const TensorMap& net, const std::string& ours, const std::string& name) {
  for (auto at = net.lower_bound(ours + "."); at != net.end() && at->first.starts_with(ours + "."); ++at)
    copy_tensor(at->second, name + at->first.substr(ours.size()));
}

void EncoderTensors::copy_tensor(const Tensor& to, const std::string& name) {
  if (to.scalar_type() != torch::kLong)
    Tensor(to).copy_(take(name, to.sizes()));
  else if (has(name))  // batch norm's count of batches, which not everybody saves
    take(name, to.sizes());
}

void EncoderTensors::copy_flat(const Tensor& to, const std::string& name) {
  std::vector<int64_t> plain;
  for (const int64_t size : sizes(name))
    if (size != 1) plain.push_back(size);
  const std::vector<int64_t> there = sizes(name).vec();
  Tensor(to).copy_(plain == to.sizes() ? take(name, there).view(to.sizes()) : take(name, to.sizes()));
}

void EncoderTensors::copy_joined(const TensorMap& net, const std::string& ours, const std::vector<std::string>& names) {
  for (const char* part : {".weight", ".bias"}) {
    const Tensor& to = net.at(ours + part);
    std::vector<int64_t> sizes = to.sizes().vec();
    sizes[0] /= static_cast<int64_t>(names.size());
    std::vector<Tensor> all;
    for (const std::string& name : names) all.push_back(take(name + part, sizes));
    Tensor(to).copy_(torch::cat(all));
  }
}

c10::IntArrayRef EncoderTensors::sizes(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(fmt::format("'{}' is missing", name));
  return found->second.sizes();
}

std::vector<std::string> EncoderTensors::leave_out(const std::vector<std::string>& beginnings) {
  std::vector<std::string> left;
  for (const auto& [name, tensor] : tensors_) {
    const bool known = std::any_of(beginnings.begin(), beginnings.end(),
                                   [&name = name](const std::string& start) { return name.starts_with(start); });
    if (!known) fail(fmt::format("'{}' belongs to no part that is known here", printable(name)));
    left.push_back(name);
  }
  return left;
}

bool EncoderTensors::any(const std::string& beginning) const {
  const auto found = tensors_.lower_bound(beginning);
  return found != tensors_.end() && found->first.starts_with(beginning);
}

void EncoderTensors::fail(const std::string& message) const {
  throw Error(ErrorKind::data, (card_.folder / card_.files.front()).string(), message,
              fmt::format("it is no {} as config.json describes it: get it again", card_.architecture));
}

std::vector<std::string> fill_same(EncoderTensors& from, const TensorMap& net, const EncoderCard&, const Layout&) {
  for (const auto& [name, tensor] : net)
    if (!name.starts_with("head.")) from.copy_tensor(tensor, name);
  return from.leave_out({"classifier.", "head.", "fc."});
}

}  // namespace fewlabel
