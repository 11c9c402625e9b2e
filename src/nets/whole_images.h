// Evaluation of nets of images, thread by thread instead of layer by layer.
#pragma once
#include <functional>

#include "nets/build.h"

namespace fewlabel {

/// What f says of all images, N × …, asked for a few at a time. Each thread takes whole images where there are enough
/// of them: threads that wait for one another after every layer lose more than they gain on a machine that does
/// something else, too. f is called from several threads at once, without gradient.
Tensor by_images(const Tensor& x, const std::function<Tensor(const Tensor&)>& f);

}  // namespace fewlabel
