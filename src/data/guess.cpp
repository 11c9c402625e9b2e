#include <algorithm>
#include <map>
#include <utility>

#include "data/byte_file.h"
#include "data/sources/sources.h"
#include "fewlabel/dataset.h"
#include "fewlabel/error.h"

namespace fewlabel {

ImageShape shape_of(const Source& source, int64_t index) {
  if (const auto* headed = dynamic_cast<const Headed*>(&source)) return headed->header(index);
  const Image image = source.read(index);
  return {image.height, image.width, image.channels};
}

ImageShape guess_shape(const Source& source, int64_t sample) {
  const int64_t count = std::min(source.size(), std::max<int64_t>(sample, 1));
  std::map<std::pair<int32_t, int32_t>, int64_t> sizes;
  std::vector<int32_t> heights, widths;
  int32_t channels = 1;
  std::string reason;
  for (int64_t k = 0; k < count; ++k) {
    try {
      // Spread evenly: classes often lie in blocks.
      const ImageShape shape = shape_of(source, k * source.size() / count);
      ++sizes[{shape.height, shape.width}];
      heights.push_back(shape.height);
      widths.push_back(shape.width);
      channels = std::max(channels, shape.channels);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      if (reason.empty()) reason = error.where() + ": " + error.message();
    }
  }
  if (sizes.empty())
    throw_data("data", source.size() == 0 ? "there is no example" : "no image can be read; the first: " + reason);
  const auto commonest =
      std::max_element(sizes.begin(), sizes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  // Photos come in many sizes, of which the commonest says little; then the middle one is meant.
  if (commonest->second * 2 >= static_cast<int64_t>(heights.size()))
    return {commonest->first.first, commonest->first.second, channels};
  const auto middle = [](std::vector<int32_t>& values) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  return {middle(heights), middle(widths), channels};
}

}  // namespace fewlabel
