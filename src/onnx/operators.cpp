#include "onnx/operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fewlabel/error.h"

namespace fewlabel::onnx {
namespace {

std::map<std::string_view, Operator> all_operators() {
  std::map<std::string_view, Operator> operators;
  for (const auto& table :
       {elementwise_operators(), layer_operators(), reduction_operators(), shaping_operators(), indexing_operators()})
    for (const Operator& entry : table) operators.emplace(entry.name, entry);
  return operators;
}

}  // namespace

const Operator* find_operator(std::string_view name) {
  static const auto operators = all_operators();
  const auto found = operators.find(name);
  return found == operators.end() ? nullptr : &found->second;
}

void Call::refuse(const std::string& why) const {
  throw Error(ErrorKind::data, where_, label(node_) + " " + why, "export the net in another way, or choose another");
}

const Tensor& Call::operator[](std::size_t i) const {
  if (!has(i)) refuse(fmt::format("lacks its input {}", i));
  return inputs_[i];
}

Sizes Call::integers(std::size_t i) const {
  const Tensor& input = (*this)[i];
  if (input.dim() > 1 || !c10::isIntegralType(input.scalar_type(), /*includeBool=*/false))
    refuse(fmt::format("needs a list of whole numbers as input {}", i));
  const Tensor numbers = input.to(at::kCPU, at::kLong).contiguous();
  return {numbers.data_ptr<int64_t>(), numbers.data_ptr<int64_t>() + numbers.numel()};
}

const OnnxAttribute* Call::attribute(std::string_view name) const {
  const auto found = node_.attributes.find(std::string(name));
  return found == node_.attributes.end() ? nullptr : &found->second;
}

template <typename Value>
const Value* Call::find(std::string_view name) const {
  const OnnxAttribute* found = attribute(name);
  if (!found) return nullptr;
  const auto* value = std::get_if<Value>(found);
  if (!value) refuse(fmt::format("has a '{}' of the wrong type", name));
  return value;
}

int64_t Call::integer(std::string_view name, int64_t missing) const {
  const auto* value = find<int64_t>(name);
  return value ? *value : missing;
}

double Call::real(std::string_view name, double missing) const {
  const auto* value = find<float>(name);
  return value ? static_cast<double>(*value) : missing;
}

std::string Call::text(std::string_view name, std::string_view missing) const {
  const auto* value = find<std::string>(name);
  return value ? *value : std::string(missing);
}

Sizes Call::integers(std::string_view name, const Sizes& missing) const {
  const auto* value = find<std::vector<int64_t>>(name);
  return value ? *value : missing;
}

Tensor Call::tensor(std::string_view name) const {
  const auto* value = find<Tensor>(name);
  return value ? *value : Tensor();
}

int64_t Call::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank) refuse(fmt::format("has the axis {} of a tensor with {} dimensions", axis, rank));
  return axis < 0 ? axis + rank : axis;
}

const Sizes& Call::bounded(const Sizes& sizes, int64_t most) const {
  int64_t count = 1;
  for (const int64_t size : sizes) {
    if (size < 0) refuse(fmt::format("would make a side of {}", size));
    if (__builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) || count > most)
      refuse(fmt::format("would make more than {} values", most));
  }
  return sizes;
}

std::pair<Tensor, Tensor> promoted(const Tensor& a, const Tensor& b) {
  const auto type = at::promote_types(a.scalar_type(), b.scalar_type());
  return {a.to(type), b.to(type)};
}

}  // namespace fewlabel::onnx
