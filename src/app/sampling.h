// Samples of a trained method, by class where it can be asked for one.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "eval/saved_method.h"
#include "fewlabel/dataset.h"

namespace fewlabel {

/// What draws, if it can draw this label (-1: any). Throws Error{usage}.
Sampler& sampler_of(LoadedMethod& loaded, int64_t label);

struct SampleOrder {
  int64_t count = 1;
  int64_t label = -1;  // -1: all classes in turn
  uint64_t seed = 0;
};
/// Calls `take` with each image and its class (-1 where the sampler knows none), in order. The same order gives the
/// same images; a longer one begins with those of a shorter. Throws Error{usage} as sampler_of, Error{interrupted or
/// terminated} when cancelled.
void draw_samples(LoadedMethod& loaded, const SampleOrder& order,
                  const std::function<void(Image image, int64_t label)>& take);

}  // namespace fewlabel
