// What the autoencoders share: two halves, E and G, and how an image is compared with what comes back.
#pragma once
#include <torch/torch.h>

#include <string>

#include "fewlabel/method.h"
#include "nets/coder.h"

namespace fewlabel {

struct CodingConfig {
  std::string architecture = "dense";
  int64_t code = 8;
  int64_t width = 0;
  std::string loss = "squared_error";
  std::string view = "none";
  void fields(FieldVisitor& field);
};

/// E takes normalised images and gives `outputs` numbers; G takes `config.code` numbers and gives logits of pixels.
/// dense: pixels, width, width / 2, code and back; `net` is not used. conv: E is `net` and a linear layer.
struct Coding {
  Coder encoder, decoder;
};
Coding make_coding(const CodingConfig& config, const Task& task, Net net, int64_t outputs);

/// Mean over examples of the sum over pixels. pixels in [0, 1] and logits: N × C × H × W. In fp32.
/// squared_error: ‖x - σ(logits)‖². cross_entropy: -Σ x log σ(logits) + (1 - x) log(1 - σ(logits)).
/// gaussian: -log N(x; σ(logits), s²) less its constant, at the best s² for this batch, the mean squared error (Rybkin
/// et al. 2021, arXiv:2006.13202): ½ C H W log s².
Tensor reconstruction_loss(const std::string& loss, const Tensor& pixels, const Tensor& logits);
/// For the log: the mean of (x - σ(logits))² over all pixels, without gradient.
Tensor error_per_pixel(const Tensor& pixels, const Tensor& logits);

}  // namespace fewlabel
