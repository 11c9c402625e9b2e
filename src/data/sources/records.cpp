#include "data/sources/records.h"

#include <fmt/format.h>

#include <cstring>

#include "data/class_list.h"
#include "data/unit_values.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

Bytes interleave(const Bytes& planes, const ImageShape& shape) {
  Bytes result(planes.size());
  const auto channels = static_cast<std::size_t>(shape.channels), area = planes.size() / channels;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t i = 0; i < area; ++i) result[i * channels + c] = planes[c * area + i];
  return result;
}

}  // namespace

int64_t value_bytes(PixelValue value) { return value == PixelValue::byte ? 1 : value == PixelValue::float32 ? 4 : 8; }

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
  if (block->value == PixelValue::float32) raw = unit_to_bytes<float>(name(index), raw);
  if (block->value == PixelValue::float64) raw = unit_to_bytes<double>(name(index), raw);
  if (block->order == PixelOrder::planar && block->shape.channels > 1) raw = interleave(raw, block->shape);
  return {std::move(raw), block->shape};
}

Opened open_records(RecordSplits splits, const std::vector<std::string>& wanted, const std::string& where) {
  std::vector<std::vector<int32_t>*> labels;
  for (auto* blocks : {&splits.train, &splits.test, &splits.validation})
    for (RecordBlock& block : *blocks) labels.push_back(&block.labels);
  const auto classes = number_classes(labels, wanted, where);
  const auto source_of = [&](std::vector<RecordBlock>& blocks) {
    return std::make_shared<RecordSource>(std::move(blocks), classes);
  };
  Opened opened;
  if (!splits.test.empty()) opened.test = source_of(splits.test);
  if (!splits.validation.empty()) opened.validation = source_of(splits.validation);
  opened.train = source_of(splits.train);
  return opened;
}

}  // namespace fewlabel
