// Evaluation of nets of images, thread by thread instead of layer by layer.
#pragma once
#include <functional>

#include "nets/build.h"

namespace fewlabel {

/// What f says of all images, N × …, asked for a few at a time: about as many as have so many pixels together, so that
/// their maps stay near a processor, but more for nets with much to do for each call. Each thread takes whole images
/// where there are enough of them: threads that wait for one another after every layer lose more than they gain on a
/// machine that does something else, too. f is called from several threads at once, without gradient.
Tensor by_images(const Tensor& x, const std::function<Tensor(const Tensor&)>& f, int64_t pixels = 224 * 224);

}  // namespace fewlabel
