// Images stored as raw values of one fixed size each: what IDX, CIFAR binary and NPY have in common.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "data/byte_file.h"
#include "data/sources/roles.h"
#include "data/sources/sources.h"
#include "fewlabel/image.h"

namespace fewlabel {

enum class PixelOrder { interleaved, planar };     // H × W × C or C × H × W
enum class PixelValue { byte, float32, float64 };  // floats in [0, 1]

/// Where `count` images of one file lie.
struct RecordBlock {
  std::string name;                      // of the file, as a person knows it
  std::shared_ptr<const ByteFile> file;  // read on demand, or …
  std::shared_ptr<const Bytes> memory;   // … already in memory
  int64_t offset = 0, stride = 0, count = 0;
  ImageShape shape;
  PixelOrder order = PixelOrder::interleaved;
  PixelValue value = PixelValue::byte;
  std::vector<int32_t> labels;  // one for each image; empty: all unlabelled
};

class RecordSource : public Source {
 public:
  RecordSource(std::vector<RecordBlock> blocks, std::vector<std::string> classes);
  int64_t size() const override { return size_; }
  std::string name(int64_t index) const override;
  int32_t label(int64_t index) const override;
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::image; }
  Raw raw(int64_t index) const override;
  Raw head(int64_t index) const override;

 private:
  std::pair<const RecordBlock*, int64_t> find(int64_t index) const;
  std::vector<RecordBlock> blocks_;
  std::vector<std::string> classes_;
  int64_t size_ = 0;
};

int64_t value_bytes(PixelValue value);
/// The blocks of a dataset by what they are for.
struct RecordSplits {
  std::vector<RecordBlock> train, test, validation;
  /// Unlabelled examples are trained on.
  std::vector<RecordBlock>& of(Role role) {
    return role == Role::test ? test : role == Role::validation ? validation : train;
  }
};
/// Sources of those that hold blocks; train always. Classes as number_classes finds them. Throws Error{data}.
Opened open_records(RecordSplits splits, const std::vector<std::string>& wanted, const std::string& where);
/// Throws Error{data} when the shape is empty, has other than 1, 3 or 4 channels, or more than max_pixels.
void check_record_shape(const std::string& where, const ImageShape& shape, int64_t max_pixels);

}  // namespace fewlabel
