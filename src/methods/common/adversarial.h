// What the adversarial methods share: the losses of the two players, and codes. All losses are in fp32.
#pragma once
#include <torch/torch.h>

#include <string>

#include "fewlabel/method.h"

namespace fewlabel {

/// What D loses; logits of N examples each.
/// logistic: −E log D(x) − E log(1 − D(G(z))), D = sigmoid(logit) (Goodfellow et al. 2014, equation 1);
/// hinge: E max(0, 1 − real) + E max(0, 1 + fake) (Lim and Ye 2017, arXiv:1705.02894).
Tensor discriminator_loss(const Tensor& real, const Tensor& fake, const std::string& loss = "logistic");

/// What G loses. logistic: −E log D(G(z)), which has a gradient also where D is sure (section 3 there); hinge: −E fake.
Tensor generator_loss(const Tensor& fake, const std::string& loss = "logistic");

/// R1: E ‖∇_x D(x)‖² with a graph of its own (Mescheder et al. 2018, arXiv:1801.04406, equation 9, without γ/2).
/// logit: D(x), N; x: N × …, which must require a gradient.
Tensor gradient_penalty(const Tensor& logit, const Tensor& x);

/// log Σ_k exp(logit_k): N × K → N. With an implicit class K + 1 of fakes, whose logit is 0, it is the logit of "real"
/// (Salimans et al. 2016, arXiv:1606.03498, section 5).
Tensor real_logit(const Tensor& logits);

/// Features of generated examples in a pass of their own, after which batch norm's running statistics are still those
/// of real examples, which are what the net is for. N × C × H × W → N × F.
Tensor fake_features(NetModule& net, const Tensor& fake);

/// ‖E f(x) − E f(G(z))‖², averaged over features; N × F each (there, section 3.1). The real ones give no gradient.
Tensor feature_matching(const Tensor& real, const Tensor& fake);

/// How alike examples are: the squared cosine of two features, averaged over all pairs of N (Zhao et al. 2017,
/// arXiv:1609.03126, section 2.4). N × F.
Tensor pull_away(const Tensor& features);

/// −E Σ_k p_k log p_k, p = softmax(logits); N × K.
Tensor conditional_entropy(const Tensor& logits);

/// z ~ N(0, I), N × D, from torch's generator.
Tensor draw_codes(int64_t count, int64_t latent, const Tensor& like);
/// The codes of a request: code i depends on the seed and i alone.
Tensor request_codes(const SampleRequest& request, int64_t latent, torch::Device device);
/// The labels of a request: the one asked for, or all classes in turn; int64 N.
Tensor request_labels(const SampleRequest& request, int64_t classes, torch::Device device);

}  // namespace fewlabel
