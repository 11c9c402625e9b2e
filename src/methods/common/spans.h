// What is hidden of recordings, and how what was hidden is told from the rest (wav2vec 2.0, Baevski et al. 2020,
// arXiv:2006.11477).
#pragma once
#include <torch/torch.h>

namespace fewlabel {

using Tensor = torch::Tensor;

struct Spans {
  double start = 0.065;  // share of the frames at which a span begins
  int64_t length = 10;   // frames of a span; spans may overlap
};
/// Frames that are hidden: bool N × T, a part of `heard` (bool N × T). Every recording with a frame that is heard has
/// at least one. Draws from torch's global generator.
Tensor hidden_spans(const Tensor& heard, const Spans& spans);

/// −log exp(sim(c_t, q_t) / κ) / Σ exp(sim(c_t, q_s) / κ), equation 3, the mean over the chosen frames t of all
/// recordings; s goes over the chosen frames of the same recording but for those with the same q (the authors draw 100
/// of them). c, q: N × T × D; chosen: bool N × T. 0, with a gradient of 0, where no recording has two chosen frames.
struct SpanLoss {
  Tensor loss, told;  // told: share of the frames whose own q is the likeliest
};
SpanLoss told_apart(const Tensor& c, const Tensor& q, const Tensor& chosen, double temperature);

}  // namespace fewlabel
