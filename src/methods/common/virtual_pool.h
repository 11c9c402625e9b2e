// Virtual examples of a method that learns from what it generates: kept, augmented ahead and handed to the learner as
// labelled examples. The same pool from a folder, for any method, is data.virtual.
#pragma once
#include <torch/torch.h>

#include <memory>
#include <string>

#include "fewlabel/method.h"
#include "fewlabel/transform.h"
#include "methods/common/pixels.h"

namespace fewlabel {

struct VirtualPoolOptions {
  int64_t capacity = 1024;  // the oldest examples make room
  int64_t batch = 32;       // examples joined to a labelled batch
  int64_t views = 1;
  std::string policy = "none";  // of every view
};

class VirtualPoolImpl : public torch::nn::Module {
 public:
  VirtualPoolImpl(const VirtualPoolOptions& options, const Task& task);
  /// pixels: N × C × H × W in [0, 1]; label: int64 N; N at most the capacity.
  void add(const Tensor& pixels, const Tensor& label);
  /// Draws and augments the examples of the next batch, where there are any. To be called once per optimiser update.
  void prepare();
  /// The labelled batch with the prepared examples behind it. Before there are any, its own examples stand in, so that
  /// a step costs the same from the first on. index goes on from that of the labelled pool.
  Views join(const Views& labeled) const;

 private:
  VirtualPoolOptions options_;
  Task task_;
  Pixels scale_;
  std::shared_ptr<const Transform> transform_;
  Tensor pixels_, label_;                // uint8 capacity × H × W × C, int64 capacity
  Tensor made_, drawn_, ready_;          // counts; whether there is a next batch
  Tensor next_x_, next_y_, next_index_;  // views × batch × C × H × W, normalised; batch; batch
};
TORCH_MODULE(VirtualPool);

}  // namespace fewlabel
