#include "methods/common/spans.h"

#include "methods/common/losses.h"

namespace fewlabel {

Tensor hidden_spans(const Tensor& heard, const Spans& spans) {
  const torch::NoGradGuard no_grad;
  const Tensor draws = torch::rand(heard.sizes(), torch::kFloat).to(heard.device());
  // The least draw of a recording begins a span whatever it is.
  const Tensor among = torch::where(heard, draws, torch::full_like(draws, 2));
  const Tensor least = among.eq(among.amin(1, /*keepdim=*/true));
  const Tensor starts = (among.lt(spans.start) | least).to(torch::kFloat).unsqueeze(1);
  const Tensor padded = torch::constant_pad_nd(starts, {spans.length - 1, 0});
  return torch::max_pool1d(padded, spans.length, /*stride=*/1).squeeze(1).gt(0) & heard;
}

SpanLoss told_apart(const Tensor& c, const Tensor& q, const Tensor& chosen, double temperature) {
  constexpr double kNever = -1e9;
  const int64_t frames = c.size(1);
  const auto unit = [](const Tensor& x) {
    const Tensor wide = x.to(torch::kFloat);
    return wide / wide.square().sum(2, /*keepdim=*/true).add(1e-12).sqrt();
  };
  const Tensor q_unit = unit(q), similarity = torch::bmm(unit(c), q_unit.transpose(1, 2));
  const Tensor own = torch::eye(frames, c.options().dtype(torch::kBool)).unsqueeze(0);
  Tensor may;  // N × T × T
  {
    const torch::NoGradGuard no_grad;
    const Tensor same = torch::bmm(q_unit, q_unit.transpose(1, 2)).gt(1 - 1e-6);
    may = (chosen.unsqueeze(1) & ~same) | own;
  }
  const Tensor logits = similarity / temperature + torch::where(may, 0.0, kNever).to(torch::kFloat);
  const Tensor others = may.sum(2).gt(1);  // with none there is nothing to tell apart
  const Tensor weight = (chosen & others).to(torch::kFloat).flatten();
  const Tensor target = torch::arange(frames, c.options().dtype(torch::kLong)).repeat({c.size(0)});
  const Tensor flat = logits.flatten(0, 1), count = weight.sum().clamp_min(1);
  const Tensor right = flat.argmax(1).eq(target).to(torch::kFloat);
  return {(weight * cross_entropy_each(flat, target)).sum() / count, (weight * right).sum() / count};
}

}  // namespace fewlabel
