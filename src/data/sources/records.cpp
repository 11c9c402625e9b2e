#include "data/sources/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fewlabel/error.h"

namespace fewlabel {
namespace {

template <typename Float>
Bytes to_bytes(const Bytes& raw, const std::string& where) {
  Bytes result(raw.size() / sizeof(Float));
  for (std::size_t i = 0; i < result.size(); ++i) {
    Float value = 0;
    std::memcpy(&value, raw.data() + i * sizeof(Float), sizeof(Float));
    if (!(value >= Float(-1e-6) && value <= Float(1 + 1e-6)))
      throw_data(where, fmt::format("value {} lies outside [0, 1]", value), "scale floats to [0, 1] or store uint8");
    result[i] = static_cast<uint8_t>(std::lround(std::clamp(value, Float(0), Float(1)) * 255));
  }
  return result;
}

Bytes interleave(const Bytes& planes, const ImageShape& shape) {
  Bytes result(planes.size());
  const auto channels = static_cast<std::size_t>(shape.channels), area = planes.size() / channels;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < area; ++i) result[i * channels + c] = planes[c * area + i];
  return result;
}

}  // namespace

int64_t value_bytes(PixelValue value) { return value == PixelValue::byte ? 1 : value == PixelValue::float32 ? 4 : 8; }

std::vector<std::vector<int32_t>*> labels_of(std::initializer_list<std::vector<RecordBlock>*> splits) {
  std::vector<std::vector<int32_t>*> labels;
  for (auto* blocks : splits)
    for (RecordBlock& block : *blocks) labels.push_back(&block.labels);
  return labels;
}

void check_record_shape(const std::string& where, const ImageShape& shape, int64_t max_pixels) {
  if (shape.height < 1 || shape.width < 1 || (shape.channels != 1 && shape.channels != 3 && shape.channels != 4))
    throw_data(where,
               fmt::format("images of {} × {} × {} (height, width, channels) cannot be used", shape.height, shape.width,
                           shape.channels),
               "wanted: at least 1 × 1 with 1, 3 or 4 channels");
  check_pixels(where, shape.height, shape.width, max_pixels);
}

RecordSource::RecordSource(std::vector<RecordBlock> blocks, std::vector<std::string> classes)
    : blocks_(std::move(blocks)), classes_(std::move(classes)) {
  for (const auto& block : blocks_) size_ += block.count;
}

std::pair<const RecordBlock*, int64_t> RecordSource::find(int64_t index) const {
  for (const auto& block : blocks_) {
    if (index < block.count) return {&block, index};
    index -= block.count;
  }
  throw Error(ErrorKind::failure, "data", "an example beyond the end of its source was asked for");
}

std::string RecordSource::name(int64_t index) const {
  const auto [block, at] = find(index);
  return fmt::format("{}#{}", block->name, at);
}

int32_t RecordSource::label(int64_t index) const {
  const auto [block, at] = find(index);
  return block->labels.empty() ? kUnlabeled : block->labels[static_cast<std::size_t>(at)];
}

Raw RecordSource::head(int64_t index) const {
  const ImageShape& shape = find(index).first->shape;
  return {{}, shape, shape.bytes()};
}

Raw RecordSource::raw(int64_t index) const {
  const auto [block, at] = find(index);
  Bytes raw(static_cast<std::size_t>(block->shape.bytes() * value_bytes(block->value)));
  const int64_t start = block->offset + at * block->stride;
  if (block->memory)
    std::memcpy(raw.data(), block->memory->data() + start, raw.size());
  else
    block->file->read_at(start, raw);
  if (block->value == PixelValue::float32) raw = to_bytes<float>(raw, name(index));
  if (block->value == PixelValue::float64) raw = to_bytes<double>(raw, name(index));
  if (block->order == PixelOrder::planar && block->shape.channels > 1) raw = interleave(raw, block->shape);
  return {std::move(raw), block->shape};
}

}  // namespace fewlabel
