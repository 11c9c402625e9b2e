#include "methods/common/sampling.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include "fewlabel/error.h"

namespace fewlabel {

Tensor seeded_normal(c10::IntArrayRef sizes, uint64_t seed) {
  return torch::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

Tensor requested_classes(const SampleRequest& request, const Task& task) {
  if (request.label >= task.classes)
    throw Error(ErrorKind::usage, "sample",
                fmt::format("there is no class {}: there are {}, from 0", request.label, task.classes));
  if (request.label >= 0) return torch::full({request.count}, request.label, torch::kLong);
  return torch::arange(request.count, torch::kLong).remainder(task.classes);
}

}  // namespace fewlabel
