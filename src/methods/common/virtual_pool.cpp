#include "methods/common/virtual_pool.h"

#include <algorithm>

#include "fewlabel/random.h"

namespace fewlabel {

VirtualPoolImpl::VirtualPoolImpl(const VirtualPoolOptions& options, const Task& task)
    : options_(options),
      task_(task),
      scale_(register_module("scale", Pixels(task))),
      transform_(make_image_transform(options.policy)) {
  const ImageShape& shape = task.shape();
  const auto whole = [](c10::IntArrayRef sizes) { return torch::zeros(sizes, torch::kLong); };
  pixels_ = register_buffer("pixels",
                            torch::zeros({options.capacity, shape.height, shape.width, shape.channels}, torch::kByte));
  label_ = register_buffer("label", whole({options.capacity}));
  made_ = register_buffer("made", whole({}));
  drawn_ = register_buffer("drawn", whole({}));
  ready_ = register_buffer("ready", whole({}));
  next_x_ = register_buffer("next_x",
                            torch::zeros({options.views, options.batch, shape.channels, shape.height, shape.width}));
  next_y_ = register_buffer("next_y", whole({options.batch}));
  next_index_ = register_buffer("next_index", whole({options.batch}));
}

void VirtualPoolImpl::add(const Tensor& pixels, const Tensor& label) {
  const Tensor slot = made_.add(torch::arange(label.size(0), label_.options())).remainder(options_.capacity);
  pixels_.index_copy_(0, slot, (pixels * 255).round().to(torch::kByte).permute({0, 2, 3, 1}));
  label_.index_copy_(0, slot, label.to(label_.device()));
  made_.add_(label.size(0));
}

void VirtualPoolImpl::prepare() {
  const int64_t filled = std::min(made_.item<int64_t>(), options_.capacity);
  if (filled == 0) return;
  const auto number = static_cast<uint64_t>(drawn_.item<int64_t>());
  Random order({.seed = task_.seed, .purpose = "virtual/order", .epoch = number});
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < options_.batch; ++i) chosen.push_back(order.below(static_cast<uint32_t>(filled)));
  const Tensor slot = torch::tensor(chosen), in = pixels_.cpu().index_select(0, slot);
  Tensor out = torch::empty_like(in);
  const int64_t bytes = task_.shape().bytes();
  for (int64_t view = 0; view < options_.views; ++view) {
    for (int64_t i = 0; i < options_.batch; ++i) {
      Random random({.seed = task_.seed,
                     .purpose = "virtual/augment",
                     .epoch = number,
                     .index = static_cast<uint64_t>(i),
                     .view = static_cast<uint64_t>(view)});
      transform_->apply(in.data_ptr<uint8_t>() + i * bytes, task_.shape(), out.data_ptr<uint8_t>() + i * bytes, random);
    }
    const Tensor pixels = out.to(next_x_.device()).permute({0, 3, 1, 2}).to(torch::kFloat) / 255;
    next_x_[view].copy_(scale_->from_pixels(pixels));
  }
  next_y_.copy_(label_.index_select(0, slot.to(label_.device())));
  next_index_.copy_(slot + task_.labeled);
  drawn_.add_(1);
  ready_.fill_(1);
}

Views VirtualPoolImpl::join(const Views& labeled) const {
  const Tensor own = torch::arange(options_.batch, labeled.y.options()).remainder(labeled.y.size(0));
  const Tensor ready = ready_.to(torch::kBool);
  const auto joined = [&](const Tensor& real, const Tensor& made) {
    return torch::cat({real, torch::where(ready, made, real.index_select(0, own))});
  };
  Views all;
  for (std::size_t v = 0; v < labeled.x.size(); ++v)
    all.x.push_back(joined(labeled.x[v], next_x_[static_cast<int64_t>(v)]));
  all.y = joined(labeled.y, next_y_);
  all.index = joined(labeled.index, next_index_);
  return all;
}

}  // namespace fewlabel
