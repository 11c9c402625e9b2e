#include "train/spread.h"

#include "train/torch_compat.h"

namespace fewlabel {

Spread measure_spread(const Tensor& z) {
  const at::NoGradGuard no_gradient;
  const Tensor rows = z.detach().to(at::kCPU, at::kDouble);
  const Tensor unit = rows / rows.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
  // Points spread evenly over the sphere have a variance of 1 / D in each direction.
  const Tensor spread = unit.var(0, /*unbiased=*/false).sum().sqrt();
  const Tensor centred = unit - unit.mean(0);
  const Tensor gram = centred.size(0) < centred.size(1) ? centred.mm(centred.t()) : centred.t().mm(centred);
  const Tensor spectrum = at::linalg_eigvalsh(gram).clamp_min(1e-12);
  const Tensor share = spectrum / spectrum.sum();
  return {spread, (-(share * share.log()).sum()).exp()};
}

}  // namespace fewlabel
