// CIFAR binary: one or two label bytes, then 3 × 32 × 32 planar bytes a record.
// https://www.cs.toronto.edu/~kriz/cifar.html
#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/records.h"
#include "data/sources/sources.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

struct Variant {
  int32_t classes, label_bytes;
  std::string names_file;
  int64_t record() const { return label_bytes + 3072; }
};

Variant variant_of(const fs::path& file) {
  const int64_t size = ByteFile(file).size();
  const Variant ten{10, 1, "batches.meta.txt"}, hundred{100, 2, "fine_label_names.txt"};
  const std::string name = file.filename().string();
  const bool like_hundred = name == "train.bin" || name == "test.bin";
  for (const Variant& variant : like_hundred ? std::vector{hundred, ten} : std::vector{ten, hundred})
    if (size > 0 && size % variant.record() == 0) return variant;
  throw_data(file.string(), fmt::format("is no CIFAR binary: {} bytes are no whole number of records of 3,073 "
                                        "(CIFAR-10) or 3,074 (CIFAR-100)",
                                        with_commas(size)));
}

RecordBlock open_block(const fs::path& path, const Variant& variant) {
  RecordBlock block;
  block.name = path.filename().string();
  block.file = std::make_shared<ByteFile>(path);
  block.offset = variant.label_bytes;
  block.stride = variant.record();
  block.count = block.file->size() / variant.record();
  if (block.file->size() % variant.record() != 0)
    throw_data(path.string(), fmt::format("is cut short: {} bytes are no whole number of records of {}",
                                          with_commas(block.file->size()), with_commas(variant.record())));
  block.shape = {32, 32, 3};
  block.order = PixelOrder::planar;
  block.labels.reserve(static_cast<std::size_t>(block.count));
  for (int64_t i = 0; i < block.count; ++i) {
    uint8_t label = 0;  // CIFAR-100 puts the coarse label first
    block.file->read_at(i * variant.record() + variant.label_bytes - 1, {&label, 1});
    if (label >= variant.classes)
      throw_data(path.string(), fmt::format("record {} has label {}; wanted 0 to {}", i, label, variant.classes - 1));
    block.labels.push_back(label);
  }
  return block;
}

std::vector<std::string> sorted_files(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".bin") names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

bool held_out(const std::string& name) { return name.starts_with("test"); }

bool is_training_file(const std::string& name) { return name.starts_with("data_batch") || name == "train.bin"; }

}  // namespace

bool is_cifar_folder(const fs::path& folder) {
  const auto names = sorted_files(folder);
  return std::any_of(names.begin(), names.end(), is_training_file);
}

Opened open_cifar(const OpenRequest& request) {
  RecordSplits splits;
  fs::path folder = request.path.parent_path();
  std::optional<Variant> variant;
  if (fs::is_directory(request.path)) {
    folder = request.path;
    for (const auto& name : sorted_files(folder)) {
      if (!is_training_file(name) && !held_out(name)) continue;
      if (!variant) variant = variant_of(folder / name);
      (held_out(name) ? splits.test : splits.train).push_back(open_block(folder / name, *variant));
    }
  } else {
    variant = variant_of(request.path);
    splits.train.push_back(open_block(request.path, *variant));
  }
  auto wanted = request.classes;
  if (wanted.empty()) wanted = read_class_file((folder / variant->names_file).string());
  if (wanted.empty())  // all that the format has, whether they occur or not
    for (int32_t c = 0; c < variant->classes; ++c) wanted.push_back(std::to_string(c));
  return open_records(std::move(splits), wanted, request.path.string());
}

}  // namespace fewlabel
