#include "eval/saliency.h"

#include <torch/torch.h>

#include "train/device.h"

namespace fewlabel {

std::vector<std::vector<float>> token_weights(NetModule& net, const ExampleStore& store,
                                              const std::vector<int64_t>& indices, const std::vector<int64_t>& classes,
                                              const Normalization& rule) {
  std::vector<std::vector<float>> weights(indices.size());
  if (rule.layout.kind != Kind::text || indices.empty()) return weights;
  const torch::AutoGradMode with_gradient(true);
  std::vector<uint8_t> example(static_cast<std::size_t>(rule.layout.bytes()));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    store.fetch(indices[i], example.data());
    const Tensor x = normalised(example.data(), 1, rule).to(device_of(net));
    const Tensor embedded = net.embed(x).detach().set_requires_grad(true);
    const Tensor logit = net.forward(embedded)[0][classes.at(i)];
    const Tensor gradient = torch::autograd::grad({logit}, {embedded}).at(0);
    const Tensor each = (gradient * embedded).sum(2)[0].to(torch::kCPU, torch::kFloat);
    const Tensor scaled = (each / each.abs().max().clamp_min(1e-12)).contiguous();
    weights[i].assign(scaled.data_ptr<float>(), scaled.data_ptr<float>() + (x[0] != kPadding).sum().item<int64_t>());
  }
  return weights;
}

}  // namespace fewlabel
