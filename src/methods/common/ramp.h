// How the weight of an unsupervised loss rises over a run: predictions are worth little before the labels are learnt.
#pragma once

namespace fewlabel {

/// exp(-5 (1 - t)²) with t = progress / length, and 1 from there on: Laine and Aila 2017, arXiv:1610.02242, section 2.
/// progress and length are shares of the run; length 0 is 1 at once.
double sigmoid_ramp(double progress, double length);

/// progress / length, and 1 from there on; length 0 is 1 at once.
double linear_ramp(double progress, double length);

}  // namespace fewlabel
