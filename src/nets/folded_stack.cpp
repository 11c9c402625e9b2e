#include "nets/folded_stack.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "fewlabel/error.h"

namespace fewlabel {
namespace {

using kernels::Border;
using kernels::FoldedConvolution;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kPixelsTogether = 224 * 224;  // of images whose maps stay near a processor
constexpr int64_t kParts = 8;                   // of a batch, whose gradients are summed apart, always in one order

/// What came out of each layer.
using Maps = std::vector<Tensor>;

/// The layers ready for many images, as long as nothing changes the weights.
class Folded {
 public:
  explicit Folded(const std::vector<FoldedLayer>& layers) : layers_(layers) {
    for (const FoldedLayer& layer : layers_) {
      folded_.emplace_back(layer.conv, layer.norm, layer.limits);
      folded_.back().prepare_backward();
    }
  }

  Maps forward(const Tensor& x) const {
    Maps maps;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Tensor& from = i == 0 ? x : maps.back();
      const auto& plus = layers_[i].plus;
      maps.push_back(plus ? folded_[i].plus(from, maps[*plus]) : folded_[i](from, border(i, from)));
    }
    return maps;
  }

  /// dy: of the last map.
  void backward(const Tensor& x, const Maps& maps, Tensor dy, std::vector<FoldedConvolution::Gradients>& sums) const {
    std::vector<Tensor> waiting(layers_.size());
    for (std::size_t i = layers_.size(); i-- > 0;) {
      if (waiting[i].defined()) dy.add_(waiting[i]);
      const Tensor& from = i == 0 ? x : maps[i - 1];
      const Tensor dx = folded_[i].backward({from, maps[i], dy, border(i, from)}, sums[i]);
      if (layers_[i].plus) waiting[*layers_[i].plus] = dy;
      dy = dx;
    }
  }

  std::vector<FoldedConvolution::Gradients> no_gradients() const {
    std::vector<FoldedConvolution::Gradients> sums;
    for (const FoldedConvolution& layer : folded_) sums.push_back(layer.no_gradients());
    return sums;
  }
  /// Three for each layer.
  variable_list unfolded(const std::vector<std::vector<FoldedConvolution::Gradients>>& parts) const {
    variable_list all(3 * layers_.size());
    at::parallel_for(0, static_cast<int64_t>(layers_.size()), 1, [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_gradient;
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const FoldedConvolution::Gradients& sum = parts.front()[i];
        for (std::size_t part = 1; part < parts.size(); ++part) {
          sum.filters.add_(parts[part][i].filters);
          sum.shift.add_(parts[part][i].shift);
        }
        const auto three = folded_[i].unfolded(sum, layers_[i].conv, layers_[i].norm);
        std::copy(three.begin(), three.end(), all.begin() + static_cast<std::ptrdiff_t>(3 * i));
      }
    });
    return all;
  }

 private:
  Border border(std::size_t i, const Tensor& x) const { return border_of(layers_[i].conv, layers_[i].same_padding, x); }

  const std::vector<FoldedLayer>& layers_;
  std::vector<FoldedConvolution> folded_;
};

/// What backward() needs, between the two.
struct Tape : torch::CustomClassHolder {
  Tape(const std::vector<FoldedLayer>& of, int64_t places) : layers(of), folded(layers), grid(places) {}
  std::vector<FoldedLayer> layers;
  Folded folded;
  int64_t grid;
  std::vector<Tensor> images;  // a few at a time
  std::vector<Maps> maps;
  /// The pieces [begin, end) of each part of the batch.
  std::vector<std::pair<std::size_t, std::size_t>> parts() const {
    const std::size_t count = std::min<std::size_t>(kParts, images.size());
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (std::size_t part = 0; part < count; ++part)
      all.emplace_back(part * images.size() / count, (part + 1) * images.size() / count);
    return all;
  }
};

std::vector<Tensor> pieces(const Tensor& x, int64_t most) {
  return x.split(std::clamp<int64_t>(kPixelsTogether / (x.size(2) * x.size(3)), 1, std::max<int64_t>(most, 1)));
}

struct Learnt : torch::autograd::Function<Learnt> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, at::TensorList /*weights*/,
                        const std::vector<FoldedLayer>* layers, int64_t grid) {
    const auto tape = c10::make_intrusive<Tape>(*layers, grid);
    tape->images = pieces(x, (x.size(0) + kParts - 1) / kParts);
    tape->maps.resize(tape->images.size());
    std::vector<Tensor> features(tape->images.size());
    at::parallel_for(0, static_cast<int64_t>(features.size()), 1, [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_gradient;  // the thread's own
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        tape->images[i] = tape->images[i].contiguous(at::MemoryFormat::ChannelsLast);
        tape->maps[i] = tape->folded.forward(tape->images[i]);
        features[i] = pool_to_grid(tape->maps[i].back(), grid);
      }
    });
    ctx->saved_data["tape"] = c10::IValue::make_capsule(tape);
    return torch::cat(features);
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto tape = c10::static_intrusive_pointer_cast<Tape>(ctx->saved_data["tape"].toCapsule());
    if (at::GradMode::is_enabled())
      throw Error(ErrorKind::failure, "net",
                  "gradients of gradients are not known where batch norms keep their statistics");
    const auto parts = tape->parts();
    const Tensor dy = gradients[0].contiguous();
    std::vector<int64_t> first{0};
    for (const Tensor& piece : tape->images) first.push_back(first.back() + piece.size(0));
    std::vector<std::vector<FoldedConvolution::Gradients>> sums(parts.size());
    at::parallel_for(0, static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
      const torch::NoGradGuard no_gradient;
      for (auto part = static_cast<std::size_t>(begin); part < static_cast<std::size_t>(end); ++part) {
        sums[part] = tape->folded.no_gradients();
        for (std::size_t i = parts[part].first; i < parts[part].second; ++i) {
          const Tensor& map = tape->maps[i].back();
          const Tensor rows =
              dy.slice(0, first[i], first[i + 1]).view({map.size(0), map.size(1), tape->grid, tape->grid});
          tape->folded.backward(tape->images[i], tape->maps[i],
                                at::_adaptive_avg_pool2d_backward(rows, map).contiguous(at::MemoryFormat::ChannelsLast),
                                sums[part]);
        }
      }
    });
    variable_list all = tape->folded.unfolded(sums);
    all.insert(all.begin(), Tensor());  // of x
    all.resize(all.size() + 2);         // what is no tensor
    return all;
  }
};

}  // namespace

Border border_of(const torch::nn::Conv2d& conv, bool same_padding, const Tensor& x) {
  const int64_t kernel = (*conv->options.kernel_size())[0], stride = (*conv->options.stride())[0];
  if (!same_padding) return {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
  const auto needed = [&](int64_t size) {
    return std::max<int64_t>(((size + stride - 1) / stride - 1) * stride + kernel - size, 0);
  };
  const int64_t rows = needed(x.size(2)), columns = needed(x.size(3));
  return {rows / 2, rows - rows / 2, columns / 2, columns - columns / 2};
}

bool FoldedStack::suits(const Tensor& x) const {
  if (!at::GradMode::is_enabled() || x.requires_grad()) return false;
  return std::all_of(layers_.begin(), layers_.end(),
                     [&](const FoldedLayer& layer) { return FoldedConvolution::suits(x, layer.conv, layer.norm); });
}

Tensor FoldedStack::pooled(const Tensor& x, int64_t grid) const {
  std::vector<Tensor> weights;
  for (const FoldedLayer& layer : layers_) {
    weights.push_back(layer.conv->weight);
    weights.push_back(layer.norm->weight);
    weights.push_back(layer.norm->bias);
  }
  return Learnt::apply(x, at::TensorList(weights), &layers_, grid);
}

}  // namespace fewlabel
