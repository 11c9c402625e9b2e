#include "eval/learnt.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>

#include "core/cancel.h"
#include "core/files.h"
#include "core/hash.h"
#include "eval/signed_json.h"
#include "fewlabel/error.h"
#include "train/safetensors.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "learnt.safetensors";
constexpr std::size_t kBytes = 16;  // of a hash

/// "00ff…" → its bytes
std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// N × 16, in order, so that the same examples give the same file.
Tensor rows_of(const std::unordered_set<std::string>& hashes) {
  std::vector<std::string> sorted(hashes.begin(), hashes.end());
  std::sort(sorted.begin(), sorted.end());
  Tensor rows = torch::empty({static_cast<int64_t>(sorted.size()), static_cast<int64_t>(kBytes)}, torch::kByte);
  for (std::size_t i = 0; i < sorted.size(); ++i)
    std::memcpy(rows.data_ptr<uint8_t>() + i * kBytes, sorted[i].data(), kBytes);
  return rows;
}

std::unordered_set<std::string> hashes_of(const Tensor& rows) {
  std::unordered_set<std::string> hashes;
  const auto* bytes = reinterpret_cast<const char*>(rows.data_ptr<uint8_t>());
  for (int64_t i = 0; i < rows.size(0); ++i) hashes.emplace(bytes + static_cast<std::size_t>(i) * kBytes, kBytes);
  return hashes;
}

Tensor hash_of(const TensorMap& tensors) {
  Hasher hasher;
  for (const char* name : {"with_label", "without_label", "unrecorded"}) {
    const Tensor& part = tensors.at(name);
    hasher.add(part.data_ptr(), static_cast<std::size_t>(part.numel()) * part.element_size());
  }
  const std::string bytes = bytes_of(hasher.hex());
  Tensor hash = torch::empty({static_cast<int64_t>(kBytes)}, torch::kByte);
  std::memcpy(hash.data_ptr(), bytes.data(), kBytes);
  return hash;
}

bool well_formed(const TensorMap& tensors) {
  const auto is = [&](const char* name, at::ScalarType type, int64_t dimensions) {
    const auto at = tensors.find(name);
    return at != tensors.end() && at->second.scalar_type() == type && at->second.dim() == dimensions &&
           (dimensions < 2 || at->second.size(1) == static_cast<int64_t>(kBytes));
  };
  return is("with_label", at::kByte, 2) && is("without_label", at::kByte, 2) && is("unrecorded", at::kLong, 0) &&
         is("hash", at::kByte, 1) && torch::equal(tensors.at("hash"), hash_of(tensors));
}

}  // namespace

std::string content_of(const ExampleStore& store, int64_t index) {
  std::vector<uint8_t> values(static_cast<std::size_t>(store.layout().bytes()));
  store.fetch(index, values.data());
  return bytes_of(hash_bytes(values.data(), values.size()));
}

Taught LearntExamples::of(const std::string& content) const {
  if (with_label.contains(content)) return Taught::with_label;
  return without_label.contains(content) ? Taught::without_label : Taught::never;
}

void LearntExamples::add(const LearntExamples& before) {
  with_label.insert(before.with_label.begin(), before.with_label.end());
  without_label.insert(before.without_label.begin(), before.without_label.end());
  unrecorded += before.unrecorded;
}

LearntExamples learnt_examples(const ExampleStore& store, const std::vector<int64_t>& with_label,
                               const std::vector<int64_t>& without_label, int64_t most_bytes) {
  LearntExamples learnt;
  const auto record = [&](int64_t index, std::unordered_set<std::string>& into) {
    stop_if_cancelled("train", "stopped while the results were written");
    into.insert(content_of(store, index));
  };
  for (const int64_t index : with_label) record(index, learnt.with_label);
  constexpr int64_t kPart = 20000;
  const auto total = static_cast<int64_t>(without_label.size());
  const bool all = total <= kPart || total <= most_bytes / std::max<int64_t>(store.layout().bytes(), 1);
  const int64_t recorded = all ? total : kPart;
  for (int64_t i = 0; i < recorded; ++i)
    record(without_label[static_cast<std::size_t>(i * total / recorded)], learnt.without_label);
  learnt.unrecorded = total - recorded;
  return learnt;
}

void save_learnt(const fs::path& model, const LearntExamples& learnt) {
  TensorMap tensors = {{"with_label", rows_of(learnt.with_label)},
                       {"without_label", rows_of(learnt.without_label)},
                       {"unrecorded", torch::tensor(learnt.unrecorded, torch::kLong)}};
  tensors["hash"] = hash_of(tensors);
  write_safetensors(model / kFile, tensors, {{"content", "XXH3-128 of the values of each example learnt from"}});
  for (const fs::path& path : {model / kFile, model}) sync_path(path);
}

std::optional<LearntExamples> load_learnt(const fs::path& model) {
  const fs::path path = model / kFile;
  if (!fs::exists(path)) return std::nullopt;
  const TensorMap tensors = read_safetensors(path);
  if (!well_formed(tensors)) throw damaged_file(path, "is damaged: its bytes do not match their hash");
  return LearntExamples{.with_label = hashes_of(tensors.at("with_label")),
                        .without_label = hashes_of(tensors.at("without_label")),
                        .unrecorded = tensors.at("unrecorded").item<int64_t>()};
}

}  // namespace fewlabel
