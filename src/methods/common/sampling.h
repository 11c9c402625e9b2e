// What samplers share: noise by seed, and the classes that a request asks for.
#pragma once
#include <torch/torch.h>

#include "fewlabel/method.h"

namespace fewlabel {

/// Standard normal; the same seed gives the same numbers, whatever torch's global generator holds. On the CPU.
Tensor seeded_normal(c10::IntArrayRef sizes, uint64_t seed);

/// int64 N on the CPU: the class asked for, or all in turn. Throws Error{usage} for a class that there is not.
Tensor requested_classes(const SampleRequest& request, const Task& task);

}  // namespace fewlabel
