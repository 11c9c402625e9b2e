#include "app/arithmetic.h"

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <atomic>
#include <cstring>

namespace fewlabel {
namespace {

std::atomic<int64_t> flop, bytes;  // libtorch's callbacks are plain functions

struct Seen : at::ObserverContext {
  int64_t per_output = 0;  // products for each output value
};

int64_t size_of(const at::Tensor& tensor) { return tensor.numel() * static_cast<int64_t>(tensor.element_size()); }

void count(int64_t products, std::initializer_list<at::Tensor> touched) {
  flop += 2 * products;
  for (const at::Tensor& tensor : touched)
    if (tensor.defined()) bytes += size_of(tensor);
}

/// Products for each output value of a convolution; for a transposed one, for each input value.
int64_t products_per_value(const at::Tensor& weight) { return weight.numel() / weight.size(0); }

void count_backward(c10::ArrayRef<const c10::IValue> in) {
  const at::Tensor dy = in[0].toTensor(), x = in[1].toTensor(), w = in[2].toTensor();
  const bool transposed = in[7].toBool();
  const auto mask = in.back().toBoolList();
  const int64_t products = (transposed ? x : dy).numel() * products_per_value(w);
  if (mask.get(0)) count(products, {dy, w, x});
  if (mask.get(1)) count(products, {dy, x, w});
}

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& call) {
  const char* name = call.name();
  const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
  const auto in = call.inputs();
  const auto product = [&](std::size_t left) {
    auto seen = std::make_unique<Seen>();
    const at::Tensor a = in[left].toTensor(), b = in[left + 1].toTensor();
    seen->per_output = a.size(-1);
    bytes += size_of(a) + size_of(b);
    return seen;
  };
  if (is("aten::convolution")) {
    auto seen = std::make_unique<Seen>();
    const at::Tensor x = in[0].toTensor(), w = in[1].toTensor();
    if (in[6].toBool())
      count(x.numel() * products_per_value(w), {});  // a transposed one
    else
      seen->per_output = products_per_value(w);
    bytes += size_of(x) + size_of(w);
    return seen;
  }
  if (is("aten::convolution_backward")) count_backward(in);
  if (is("aten::mm") || is("aten::bmm")) return product(0);
  if (is("aten::addmm") || is("aten::baddbmm")) return product(1);
  return nullptr;
}

void leave(const at::RecordFunction& call, at::ObserverContext* context) {
  const auto* seen = dynamic_cast<const Seen*>(context);
  if (!seen || call.outputs().empty() || !call.outputs()[0].isTensor()) return;
  const at::Tensor y = call.outputs()[0].toTensor();
  count(y.numel() * seen->per_output, {y});
}

}  // namespace

ArithmeticCount::ArithmeticCount() {
  flop = 0;
  bytes = 0;
  handle_ = at::addGlobalCallback(at::RecordFunctionCallback(enter, leave)
                                      .needsInputs(true)
                                      .needsOutputs(true)
                                      .scopes({at::RecordScope::FUNCTION}));
}
ArithmeticCount::~ArithmeticCount() { at::removeCallback(handle_); }
Arithmetic ArithmeticCount::so_far() const { return {flop, bytes}; }

}  // namespace fewlabel
