#include "methods/common/ramp.h"

#include <algorithm>
#include <cmath>

namespace fewlabel {

double linear_ramp(double progress, double length) {
  return length > 0 ? std::clamp(progress / length, 0.0, 1.0) : 1.0;
}

double sigmoid_ramp(double progress, double length) {
  const double left = 1.0 - linear_ramp(progress, length);
  return std::exp(-5.0 * left * left);
}

}  // namespace fewlabel
