#include "train/checkpoint.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/files.h"
#include "core/hash.h"
#include "fewlabel/error.h"
#include "train/folders.h"
#include "train/manifest.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "step-";
constexpr int64_t kMaxText = 64 << 20;  // bytes of state.json and MANIFEST.json

std::string read_text(const fs::path& path) {
  std::error_code error;
  if (fs::file_size(path, error) > static_cast<uintmax_t>(kMaxText) && !error)
    throw Error(ErrorKind::storage, path.string(), "is larger than any file of its kind", "use an older checkpoint");
  return read_file(path);
}

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::storage, path.string(), "is damaged: " + why, "use an older checkpoint");
}

// Reads one file of tensors and holds it against the manifest.
TensorMap read_tensors(const fs::path& path, const Manifest& manifest) {
  const auto expected = manifest.find(path.filename().string());
  if (expected == manifest.end()) refuse(path, "the manifest does not list it");
  FileRecord record;
  TensorMap tensors = read_safetensors(path, &record);
  if (record == expected->second) return tensors;
  for (const auto& [name, hash] : expected->second.tensors)
    if (const auto found = record.tensors.find(name); found == record.tensors.end() || found->second != hash)
      refuse(path, fmt::format("the tensor '{}' does not match its hash", name));
  refuse(path, "it does not match its hash");
}

}  // namespace

Checkpoint read_checkpoint(const fs::path& folder) {
  const fs::path manifest_path = folder / "MANIFEST.json", state_path = folder / "state.json";
  const Manifest manifest = parse_manifest(read_text(manifest_path), manifest_path.string());
  Checkpoint checkpoint;
  const std::string state = read_text(state_path);
  const auto expected = manifest.find("state.json");
  if (expected == manifest.end() || expected->second.hash != hash_bytes(state.data(), state.size()))
    refuse(state_path, "it does not match its hash");
  checkpoint.state = Json::parse(state);
  checkpoint.model = read_tensors(folder / "model.safetensors", manifest);
  checkpoint.optimizer = read_tensors(folder / "optimizer.safetensors", manifest);
  checkpoint.average = read_tensors(folder / "average.safetensors", manifest);
  return checkpoint;
}

CheckpointStore::CheckpointStore(fs::path folder, int64_t keep) : folder_(std::move(folder)), keep_(keep) {
  make_folder(folder_);
  remove_leftovers(folder_);
}

fs::path CheckpointStore::save(int64_t step, const Checkpoint& checkpoint) const {
  const fs::path path = folder_ / fmt::format("{}{}", kPrefix, step);
  const std::string state = checkpoint.state.dump(1) + "\n";
  const int64_t bytes = safetensors_size(checkpoint.model) + safetensors_size(checkpoint.optimizer) +
                        safetensors_size(checkpoint.average) + static_cast<int64_t>(state.size());
  write_folder(path, Durability::durable, bytes, [&](const fs::path& into) {
    Manifest manifest;
    manifest["model.safetensors"] = write_safetensors(into / "model.safetensors", checkpoint.model);
    manifest["optimizer.safetensors"] = write_safetensors(into / "optimizer.safetensors", checkpoint.optimizer);
    manifest["average.safetensors"] = write_safetensors(into / "average.safetensors", checkpoint.average);
    write_file(into / "state.json", state, Durability::atomic);
    manifest["state.json"] = {static_cast<int64_t>(state.size()), hash_bytes(state.data(), state.size()), {}};
    write_file(into / "MANIFEST.json", format_manifest(manifest), Durability::atomic);
  });

  // For people and scripts; the loader goes by the folders themselves.
  const fs::path link = temporary_name(folder_ / "last");
  std::error_code ignored;
  fs::remove(link, ignored);
  if (::symlink(path.filename().c_str(), link.c_str()) == 0) ::rename(link.c_str(), (folder_ / "last").c_str());
  const auto all = steps();
  for (std::size_t i = static_cast<std::size_t>(std::max<int64_t>(keep_, 1)); i < all.size(); ++i)
    if (all[i] != step) fs::remove_all(folder_ / fmt::format("{}{}", kPrefix, all[i]), ignored);
  return path;
}

std::vector<int64_t> CheckpointStore::steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error))
    if (const auto step = number_after(entry.path().filename().string(), kPrefix)) steps.push_back(*step);
  if (error) throw_storage(folder_, "read", error.value());
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

std::optional<CheckpointStore::Found> CheckpointStore::newest() const {
  Found found;
  const auto all = steps();
  for (const int64_t step : all) {
    found.path = folder_ / fmt::format("{}{}", kPrefix, step);
    try {
      found.checkpoint = read_checkpoint(found.path);
      return found;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::storage) throw;
      found.skipped.push_back(fmt::format("{} {}", error.where(), error.message()));
    }
  }
  if (all.empty()) return std::nullopt;
  throw Error(ErrorKind::storage, folder_.string(), "no checkpoint is undamaged: " + found.skipped.front(),
              "start the run anew, or restore the folder from a copy");
}

}  // namespace fewlabel
