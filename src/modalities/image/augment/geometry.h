// Moves of pixels: nearest neighbour, holes filled with zero, as PIL's Image.transform does by default.
#pragma once
#include <array>
#include <cstdint>

#include "modalities/image/augment/canvas.h"

namespace fewlabel::augment {

enum class Pad { reflect, edge, zero };

/// Output pixel (x, y) comes from (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]), both taken at pixel centres.
using Affine = std::array<double, 6>;

void flip(Canvas& canvas);
void affine(Canvas& canvas, const Affine& matrix);
/// Output pixel (x, y) comes from (x + dx, y + dy); outside pixels are what `pad` says.
void shift(Canvas& canvas, int64_t dx, int64_t dy, Pad pad);
/// Counter-clockwise about the centre, in degrees.
void rotate(Canvas& canvas, double degrees);
/// Output pixel (x, y) comes from (x + amount · y, y), and (x, y + amount · x).
void shear_x(Canvas& canvas, double amount);
void shear_y(Canvas& canvas, double amount);

/// A rectangle in pixels; may reach over the image's edges.
struct Box {
  int64_t x = 0, y = 0, width = 0, height = 0;
};
void fill(Canvas& canvas, const Box& box, uint8_t value);
/// Bilinear; scales `box`, which lies inside the image, to the whole image.
void enlarge(Canvas& canvas, const Box& box);

}  // namespace fewlabel::augment
