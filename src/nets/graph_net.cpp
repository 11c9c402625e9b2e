// A net that somebody trained before and saved as ONNX: for recordings, whose encoders come as a front end, which makes
// a spectrogram of the samples, and an encoder of windows of it.
#include <algorithm>
#include <cmath>

#include "core/files.h"
#include "encoders/encoders.h"
#include "fewlabel/error.h"
#include "nets/graph_parts.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kStretches = 4;  // of a recording, whose features stand one behind another
// Slower and faster by a tenth: what they have in common is less of the speaker.
constexpr double kTempos[] = {1.0, 0.9, 1.1};

class GraphNet final : public NetModule {
 public:
  explicit GraphNet(const NetSpec& spec) : folder_(spec.config.graph), links_(read_graph_links(folder_)) {
    const bool ours = fs::exists(folder_ / "skeleton");  // in a model's folder, whose weights lie beside it
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const auto weights = ours ? onnx::Weights::elsewhere : onnx::Weights::in_file;
      parts_.push_back(register_module(i == 0 ? "front" : "encoder", OnnxModule(folder_ / links_[i].file, weights)));
    }
    const torch::NoGradGuard no_gradient;
    shortest_ = shortest(spec.layout.sizes.at(0));
    size_ = features(torch::zeros({1, spec.layout.sizes.at(0)})).size(1);
    head_ = register_module("head", Head(spec, size_));
  }

  Tensor features(const Tensor& x) override {
    const Tensor frames = front(padded(centred(x)));
    std::vector<Tensor> heard;
    for (const double speed : kTempos) heard.push_back(encoded(at_speed(frames, speed)));
    return torch::stack(heard).mean(0);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return size_; }

  void write(const fs::path& folder) const override {
    make_folder(folder);
    write_file(folder / "encoder.json", read_file(folder_ / "encoder.json"), Durability::atomic);
    write_file(folder / "skeleton", "The weights are in model.safetensors.\n", Durability::atomic);
    for (std::size_t i = 0; i < links_.size(); ++i) parts_[i]->write_skeleton(folder / links_[i].file);
  }

 private:
  /// Samples that make the frames of kStretches windows, by the front end's own count.
  int64_t shortest(int64_t samples) {
    const int64_t wanted = links_[1].window + (kStretches - 1) * links_[1].hop;
    constexpr int64_t kProbe = 16000;
    const int64_t a = front(torch::zeros({1, kProbe})).size(1), b = front(torch::zeros({1, 2 * kProbe})).size(1);
    if (b <= a) throw Error(ErrorKind::data, folder_.string(), "the front end makes no frames of samples");
    const int64_t hop = kProbe / (b - a);
    return std::max(samples, kProbe + (wanted - a) * hop);
  }

  /// What is shorter than a view is followed by zeros; encoders hear a word best in the middle.
  static Tensor centred(const Tensor& x) {
    const Tensor there = x.ne(0).to(torch::kByte);
    const Tensor first = there.argmax(1).cpu(), behind = there.flip(1).argmax(1).cpu();
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < x.size(0); ++i)
      rows.push_back(x[i].roll((behind[i].item<int64_t>() - first[i].item<int64_t>()) / 2));
    return torch::stack(rows);
  }

  /// Silence on both sides of what is too short.
  Tensor padded(const Tensor& x) const {
    const int64_t missing = shortest_ - x.size(1);
    return missing > 0 ? torch::constant_pad_nd(x, {missing / 2, missing - missing / 2}) : x;
  }

  /// N × samples → N × frames × bands.
  Tensor front(const Tensor& x) {
    const GraphLink& link = links_[0];
    const auto run = [&](const Tensor& part) {
      const Tensor y = parts_[0]->forward(part * link.input_scale);
      return y.reshape({part.size(0), -1, y.size(-1)}) * link.output_scale + link.output_shift;
    };
    if (!link.one_by_one) return run(x);
    std::vector<Tensor> rows;
    for (const Tensor& row : x.split(1)) rows.push_back(run(row));
    return torch::cat(rows);
  }

  static Tensor at_speed(const Tensor& frames, double speed) {
    if (speed == 1) return frames;
    const auto count = static_cast<int64_t>(std::lround(static_cast<double>(frames.size(1)) / speed));
    return torch::upsample_linear1d(frames.transpose(1, 2), {count}, /*align_corners=*/false).transpose(1, 2);
  }

  /// N × frames × bands → N × (kStretches · size): the windows of each part of the recording, averaged.
  Tensor encoded(Tensor frames) {
    const GraphLink& link = links_[1];
    const int64_t wanted = link.window + (kStretches - 1) * link.hop, missing = wanted - frames.size(1);
    if (missing > 0) {  // at a higher speed
      const Tensor first = frames.slice(1, 0, 1), last = frames.slice(1, frames.size(1) - 1);
      frames =
          torch::cat({first.expand({-1, missing / 2, -1}), frames, last.expand({-1, missing - missing / 2, -1})}, 1);
    }
    // As few as see all of it, and a part of them behind another; more would tell the same.
    const int64_t last = frames.size(1) - link.window, n = frames.size(0);
    const int64_t count = std::max(kStretches, (last + link.window - 1) / link.window + 1);
    std::vector<Tensor> parts;
    for (int64_t i = 0; i < count; ++i) parts.push_back(frames.narrow(1, i * last / (count - 1), link.window));
    const Tensor windows = torch::stack(parts, 1);  // N × count × window × bands
    const Tensor y =
        parts_[1]->forward(windows.reshape({n * count, link.window, -1, 1})) * link.output_scale + link.output_shift;
    const Tensor rows = y.reshape({n, count, -1}).transpose(1, 2);  // N × size × W
    return torch::adaptive_avg_pool1d(rows, {kStretches}).transpose(1, 2).flatten(1);
  }

  fs::path folder_;
  std::vector<GraphLink> links_;
  std::vector<OnnxModule> parts_;
  int64_t shortest_ = 0, size_ = 0;
  Head head_{nullptr};
};

}  // namespace

Net make_sound_graph(const NetSpec& spec) { return std::make_shared<GraphNet>(spec); }

Net make_graph_net(const NetSpec& spec) {
  if (spec.config.graph.empty())
    throw Error(ErrorKind::usage, "net", "net.graph is missing: onnx needs the folder of an encoder",
                "give encoder=NAME or a folder (`fewlabel encoders`)");
  switch (spec.layout.kind) {
    case Kind::image:
      return make_image_graph(spec);
    case Kind::text:
      return make_text_graph(spec);
    default:
      return make_sound_graph(spec);
  }
}

}  // namespace fewlabel
