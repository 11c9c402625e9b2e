// A net of images that somebody trained before and saved as ONNX.
#include <fmt/format.h>

#include "fewlabel/error.h"
#include "nets/graph_parts.h"

namespace fewlabel {
namespace {

constexpr int64_t kRealInput = 1;  // ONNX's number

/// x: N × 3 × H × W. What the graph gives is N × D, N × T × D (a transformer's: the first token or their mean) or
/// N × D × h × w (a convolutional net's: its mean).
class ImageGraph final : public NetModule {
 public:
  explicit ImageGraph(const NetSpec& spec) : graph_(spec, 1, {}), first_(spec.config.pool == "first") {
    register_module("encoder", graph_.module);
    // Beside the weights, since features that are kept are found again by what the net holds.
    register_buffer("first_token", torch::tensor(first_ ? 1 : 0, torch::kLong));
    const onnx::OnnxValue& input = graph_.module->input();
    check(input, spec);
    one_by_one_ = takes_one(graph_, input);
    const torch::NoGradGuard no_gradient;
    size_ = features(torch::zeros({1, 3, spec.shape.height, spec.shape.width})).size(1);
    head_ = register_module("head", Head(spec, size_));
  }

  Tensor features(const Tensor& x) override {
    if (!one_by_one_) return pooled(graph_.module->forward(x.contiguous()), x.size(0));
    std::vector<Tensor> rows;
    for (const Tensor& row : x.split(1)) rows.push_back(pooled(graph_.module->forward(row.contiguous()), 1));
    return torch::cat(rows);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return size_; }
  void write(const std::filesystem::path& folder) const override { graph_.write(folder); }

 private:
  void check(const onnx::OnnxValue& input, const NetSpec& spec) const {
    if (spec.shape.channels != 3)
      throw Error(ErrorKind::usage, "data.channels",
                  fmt::format("= {}, and {} takes images of 3", spec.shape.channels, graph_.module->name()),
                  "leave it out");
    if (input.type != 0 && input.type != kRealInput)
      graph_.refuse(fmt::format("takes values of the type {}, and images are float", onnx::onnx_type_name(input.type)),
                    "export it in float32");
    if (!input.ranked) return;
    const bool sound = input.sizes.size() == 4 && (input.sizes[1] == 3 || input.sizes[1] < 0);
    if (!sound)
      graph_.refuse(
          fmt::format("takes '{}' of {}, and images are N x 3 x H x W", onnx::shown(input.name), sizes_text(input)),
          "export it for colour images, channels first");
    const auto fits = [&](std::size_t axis, int64_t is) { return input.sizes[axis] < 0 || input.sizes[axis] == is; };
    if (!fits(2, spec.shape.height) || !fits(3, spec.shape.width))
      throw Error(ErrorKind::usage, "data.size",
                  fmt::format("gives images of {} x {}, and {} takes {}", spec.shape.height, spec.shape.width,
                              graph_.module->name(), sizes_text(input)),
                  input.sizes[2] == input.sizes[3] ? fmt::format("leave it out, or give {}", input.sizes[2])
                                                   : "export it for squares of any size");
  }

  Tensor pooled(const Tensor& y, int64_t count) const {
    if (y.dim() < 2 || y.dim() > 4 || y.size(0) != count || !y.is_floating_point())
      graph_.refuse(fmt::format("gives '{}' of {} dimensions for {} images, and features are N x D, N x T x D or "
                                "N x D x h x w",
                                onnx::shown(graph_.module->output().name), y.dim(), count),
                    "export it without its head, or name another output in encoder.json");
    if (y.dim() == 4) return y.mean({2, 3});
    if (y.dim() == 3) return first_ ? y.select(1, 0) : y.mean(1);
    return y;
  }

  SingleGraph graph_;
  bool first_, one_by_one_ = false;
  int64_t size_ = 0;
  Head head_{nullptr};
};

}  // namespace

Net make_image_graph(const NetSpec& spec) { return std::make_shared<ImageGraph>(spec); }

}  // namespace fewlabel
