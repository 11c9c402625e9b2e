// Operators that work on each value by itself.
#include <torch/torch.h>

#include "onnx/operators.h"

namespace fewlabel::onnx {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

template <Unary function>
Tensors unary(const Call& call) {
  return {function(call[0])};
}
template <Binary function>
Tensors binary(const Call& call) {
  return {function(call[0], call[1])};
}
/// Of one input or more.
template <Binary function>
Tensors each(const Call& call) {
  Tensor result = call[0];
  for (std::size_t i = 1; i < call.inputs(); ++i) result = function(result, call[i]);
  return {result};
}

bool is_whole(const Tensor& x) { return c10::isIntegralType(x.scalar_type(), /*includeBool=*/true); }

Tensor divide(const Tensor& a, const Tensor& b) {
  return is_whole(a) && is_whole(b) ? at::div(a, b, "trunc") : at::div(a, b);
}

/// The result has the type of the base.
Tensors power(const Call& call) {
  const Tensor &base = call[0], &exponent = call[1];
  // With a number, squares need no logarithms, and their gradient no power.
  const bool number = exponent.dim() == 0 && exponent.is_cpu() && !exponent.requires_grad();
  const Tensor result = number && !is_whole(base) ? at::pow(base, exponent.item<double>()) : at::pow(base, exponent);
  return {result.to(base.scalar_type())};
}

Tensors clip(const Call& call) {
  const auto bound = [&call](std::size_t i, const char* name) -> Tensor {
    if (call.has(i)) return call[i];
    return call.has(name) ? torch::tensor(call.real(name, 0), call[0].options()) : Tensor();
  };
  const Tensor low = bound(1, "min"), high = bound(2, "max");
  const Tensor x = low.defined() ? at::clamp_min(call[0], low) : call[0];
  return {high.defined() ? at::clamp_max(x, high) : x};
}

Tensors leaky_relu(const Call& call) { return {at::leaky_relu(call[0], call.real("alpha", 0.01))}; }
Tensors elu(const Call& call) { return {at::elu(call[0], call.real("alpha", 1))}; }
Tensors celu(const Call& call) { return {at::celu(call[0], call.real("alpha", 1))}; }
Tensors selu(const Call& call) {
  return {at::elu(call[0], call.real("alpha", 1.6732632423543772), call.real("gamma", 1.0507009873554805))};
}

Tensors prelu(const Call& call) {
  const auto [x, below] = promoted(call[0], call[0] * call[1]);
  return {at::where(x < 0, below, x)};
}

Tensors hard_sigmoid(const Call& call) {
  return {at::clamp(call[0] * call.real("alpha", 0.2) + call.real("beta", 0.5), 0, 1)};
}

Tensors gelu(const Call& call) {
  const std::string how = call.text("approximate", "none");
  if (how != "none" && how != "tanh") call.refuse("approximates by other means than tanh");
  // libtorch 1.13's gelu has a wrong gradient where that comes in another order of memory than its input.
  return {at::gelu(call[0].contiguous(), how)};
}

Tensors where(const Call& call) {
  const auto [yes, no] = promoted(call[1], call[2]);
  return {at::where(call[0].to(at::kBool), yes, no)};
}

Tensor mean_of(const Call& call) {
  Tensor sum = call[0];
  for (std::size_t i = 1; i < call.inputs(); ++i) sum = sum + call[i];
  return sum / static_cast<double>(call.inputs());
}

at::ScalarType target_type(const Call& call) {
  const int64_t number = call.integer("to", 0);
  const auto type = scalar_type(number);
  if (!type) call.refuse("casts to the type " + onnx_type_name(number) + ", which cannot be run");
  return *type;
}

Tensors dropout(const Call& call) {
  const Tensor& x = call[0];
  return call.outputs() > 1 ? Tensors{x, torch::ones_like(x, at::kBool)} : Tensors{x};
}

constexpr Operator kElementwise[] = {
    {"Add", binary<[](const Tensor& a, const Tensor& b) { return a + b; }>},
    {"Sub", binary<[](const Tensor& a, const Tensor& b) { return a - b; }>},
    {"Mul", binary<[](const Tensor& a, const Tensor& b) { return a * b; }>},
    {"Div", binary<divide>},
    {"Pow", power},
    {"Equal", binary<[](const Tensor& a, const Tensor& b) { return a.eq(b); }>},
    {"Greater", binary<[](const Tensor& a, const Tensor& b) { return a.gt(b); }>},
    {"GreaterOrEqual", binary<[](const Tensor& a, const Tensor& b) { return a.ge(b); }>},
    {"Less", binary<[](const Tensor& a, const Tensor& b) { return a.lt(b); }>},
    {"LessOrEqual", binary<[](const Tensor& a, const Tensor& b) { return a.le(b); }>},
    {"And", binary<[](const Tensor& a, const Tensor& b) { return at::logical_and(a, b); }>},
    {"Or", binary<[](const Tensor& a, const Tensor& b) { return at::logical_or(a, b); }>},
    {"Xor", binary<[](const Tensor& a, const Tensor& b) { return at::logical_xor(a, b); }>},
    {"Max", each<[](const Tensor& a, const Tensor& b) { return at::maximum(a, b); }>},
    {"Min", each<[](const Tensor& a, const Tensor& b) { return at::minimum(a, b); }>},
    {"Sum", each<[](const Tensor& a, const Tensor& b) { return a + b; }>},
    {"Mean", [](const Call& call) -> Tensors { return {mean_of(call)}; }},
    {"Where", where},
    {"Not", unary<[](const Tensor& x) { return at::logical_not(x); }>},
    {"Sqrt", unary<[](const Tensor& x) { return x.sqrt(); }>},
    {"Reciprocal", unary<[](const Tensor& x) { return x.reciprocal(); }>},
    {"Neg", unary<[](const Tensor& x) { return x.neg(); }>},
    {"Abs", unary<[](const Tensor& x) { return x.abs(); }>},
    {"Sign", unary<[](const Tensor& x) { return x.sign(); }>},
    {"Floor", unary<[](const Tensor& x) { return x.floor(); }>},
    {"Ceil", unary<[](const Tensor& x) { return x.ceil(); }>},
    {"Round", unary<[](const Tensor& x) { return x.round(); }>},
    {"Exp", unary<[](const Tensor& x) { return x.exp(); }>},
    {"Log", unary<[](const Tensor& x) { return x.log(); }>},
    {"Sin", unary<[](const Tensor& x) { return x.sin(); }>},
    {"Cos", unary<[](const Tensor& x) { return x.cos(); }>},
    {"Erf", unary<[](const Tensor& x) { return x.erf(); }>},
    {"Tanh", unary<[](const Tensor& x) { return x.tanh(); }>},
    {"Sigmoid", unary<[](const Tensor& x) { return x.sigmoid(); }>},
    {"Relu", unary<[](const Tensor& x) { return x.relu(); }>},
    {"Softplus", unary<[](const Tensor& x) { return at::softplus(x); }>},
    {"Softsign", unary<[](const Tensor& x) { return x / (x.abs() + 1); }>},
    {"HardSwish", unary<[](const Tensor& x) { return at::hardswish(x); }>},
    {"Mish", unary<[](const Tensor& x) { return at::mish(x); }>},
    {"IsNaN", unary<[](const Tensor& x) { return x.isnan(); }>},
    {"Identity", unary<[](const Tensor& x) { return x; }>},
    {"HardSigmoid", hard_sigmoid},
    {"LeakyRelu", leaky_relu},
    {"Elu", elu},
    {"Celu", celu},
    {"Selu", selu},
    {"PRelu", prelu},
    {"Gelu", gelu},
    {"Clip", clip},
    {"Cast", [](const Call& call) -> Tensors { return {call[0].to(target_type(call))}; }},
    {"CastLike", [](const Call& call) -> Tensors { return {call[0].to(call[1].scalar_type())}; }},
    {"Dropout", dropout},
};

}  // namespace

std::span<const Operator> elementwise_operators() { return kElementwise; }

}  // namespace fewlabel::onnx
