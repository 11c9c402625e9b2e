// The fourteen operations of RandAugment as FixMatch uses it (Sohn et al., NeurIPS 2020, table 12), each the same as
// PIL's to the last bit.
#pragma once
#include <span>

#include "modalities/image/augment/canvas.h"

namespace fewlabel::augment {

enum class Operation {
  autocontrast,
  brightness,
  color,
  contrast,
  equalize,
  identity,
  posterize,
  rotate,
  sharpness,
  shear_x,
  shear_y,
  solarize,
  translate_x,
  translate_y,
};

/// What an operation is called, and what its value means and ranges over.
struct OperationInfo {
  Operation operation;
  const char* name;
  const char* parameter;      // of the value; null: it has none
  double weakest, strongest;  // RandAugment's range
  bool both_ways;             // the value's sign is drawn
  double low, high;           // what a policy may ask for
};
/// All fourteen, in the order of the enumeration.
std::span<const OperationInfo> operations();

/// Applies one operation with its value: a factor (brightness, color, contrast, sharpness), bits kept (posterize), the
/// least inverted value (solarize), degrees (rotate), a slope (shear) or a fraction of the side (translate).
/// `color` leaves images without three channels alone.
void apply_operation(Canvas& canvas, Operation operation, double value);

/// Every pixel becomes its luma; only for three channels.
void to_grey(Canvas& canvas);

}  // namespace fewlabel::augment
