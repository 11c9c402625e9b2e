#include "hub/get_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>

#include "core/cancel.h"
#include "core/files.h"
#include "core/text.h"
#include "encoders/encoders.h"
#include "fewlabel/error.h"
#include "hub/download.h"
#include "hub/names.h"
#include "hub/sha256.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMostSmall = 64 << 20, kMostWeights = int64_t{1} << 40, kSpare = 16 << 20;  // bytes
constexpr int64_t kUnknownBytes = 1 << 30, kMostSeeming = int64_t{1} << 38;  // of files that only seem to be there
constexpr const char *kWeights = "model.safetensors", *kIndex = "model.safetensors.index.json",
                     *kTokenizer = "tokenizer.json";
/// Beside config.json and the weights, as far as they are there.
constexpr const char* kBeside[] = {"tokenizer_config.json",
                                   "preprocessor_config.json",
                                   "processor_config.json",
                                   "modules.json",
                                   "1_Pooling/config.json",
                                   "README.md",
                                   "LICENSE",
                                   "LICENSE.txt",
                                   "LICENSE.md"};

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? value : otherwise;
}

/// A folder that goes with the object.
class Scratch {
 public:
  explicit Scratch(fs::path path) : path_(std::move(path)) {
    remove();
    make_folder(path_);
  }
  ~Scratch() { remove(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  void remove() {
    std::error_code gone;
    fs::remove_all(path_, gone);
  }
  fs::path path_;
};

class Getter {
 public:
  explicit Getter(const EncoderRequest& request)
      : request_(request),
        http_(variable("HF_ENDPOINT", "https://huggingface.co"), variable("HF_TOKEN", "")),
        line_(request.progress, stderr) {
    got_.title = request.repository;
    got_.name = request.repository.substr(request.repository.find('/') + 1);
    home_ = request.to.empty() ? encoder_folder() : request.to;
    if (home_.empty())
      throw Error(ErrorKind::usage, "encoders get", "there is no home folder to put it in", "say where: --to FOLDER");
    home_ = fs::absolute(home_).lexically_normal();
    if (!home_.has_filename()) home_ = home_.parent_path();
    got_.folder = home_ / got_.name;
    partial_ = home_ / ("." + got_.name + ".part");
  }

  GotEncoder run() {
    make_folder(home_);
    const fs::path lock_path = home_ / ("." + got_.name + ".lock");
    if (FileLock::held(lock_path))
      throw Error(ErrorKind::storage, home_.string(), fmt::format("another process is fetching {}", got_.name),
                  "wait for it to end, or say another place: --to FOLDER");
    const FileLock lock(lock_path, got_.name);
    repository_ = list_repository(http_, request_.repository, request_.revision);
    got_.commit = repository_.commit;
    got_.licence = repository_.licence;
    if (already_there()) return got_;
    if (!repository_.find("config.json")) refuse("has no config.json, so that nobody can say which net it is");
    try {
      begin();
      bring_small();
      check_kind();
      if (repository_.find(kTokenizer)) bring(kTokenizer, kMostSmall);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::data) remove(partial_);  // what is no encoder has nothing to go on with
      throw;
    }
    check_space();
    for (const std::string& name : weights_) bring(name, kMostWeights);
    finish();
    return got_;
  }

 private:
  [[noreturn]] void refuse(const std::string& message, const std::string& hint = {}) const {
    throw Error(ErrorKind::data, request_.repository, message, hint);
  }
  static void remove(const fs::path& path) {
    std::error_code gone;
    fs::remove_all(path, gone);
  }
  static Json json_of(const fs::path& path) {
    std::error_code none;
    if (!fs::is_regular_file(path, none)) return Json::object();
    Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
    return json.is_object() ? json : Json::object();
  }
  static std::string word(const Json& json, const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : std::string();
  }

  /// The same commit, whole. Throws for what came from elsewhere.
  bool already_there() {
    std::error_code none;
    if (!fs::exists(fs::symlink_status(got_.folder, none))) return false;
    const Json own = json_of(got_.folder / "encoder.json");
    if (word(own, "repository") != request_.repository)
      throw Error(ErrorKind::usage, got_.folder.string(),
                  fmt::format("is there already, and not {}", request_.repository),
                  "move it away, or say another place: --to FOLDER");
    if (word(own, "commit") != got_.commit || !own.contains("files") || !own["files"].is_object()) return false;
    std::vector<GotFile> files;
    for (const auto& [name, said] : own["files"].items()) {
      const fs::path file = got_.folder / name;
      if (!fs::is_regular_file(file, none)) return false;
      const RemoteFile* remote = repository_.find(name);
      files.push_back(
          {name, static_cast<int64_t>(fs::file_size(file, none)), sha256_of(file), remote && !remote->sha256.empty()});
      if (files.back().sha256 != word(said, "sha256")) return false;
    }
    const EncoderCard card = find_encoder(got_.folder.string());
    got_.kind = card.kind;
    got_.licence = card.licence;
    got_.files = std::move(files);
    got_.there = true;
    return true;
  }

  /// The hidden folder: that of a run which was stopped, if it was after the same.
  void begin() {
    const Json wanted = {{"repository", request_.repository}, {"commit", got_.commit}, {"endpoint", http_.endpoint()}};
    if (json_of(partial_ / "state.json") != wanted) {
      remove(partial_);
      make_folder(partial_);
      write_file(partial_ / "state.json", wanted.dump() + "\n", Durability::atomic);
    }
  }

  void bring(const std::string& name, int64_t most) {
    stop_if_cancelled("encoders get", "stopped; the same command goes on where it was");
    Downloader downloader(
        http_, repository_,
        fmt::format("{}/{}/resolve/{}/", http_.endpoint(), request_.repository, percent_encoded(got_.commit)), partial_,
        line_);
    got_.files.push_back(downloader.bring(*repository_.find(name), most));
  }

  void bring_small() {
    bring("config.json", kMostSmall);
    find_weights();
    for (const char* name : kBeside)
      if (repository_.find(name)) bring(name, kMostSmall);
    if (got_.licence.empty() && fs::exists(partial_ / "README.md"))
      got_.licence = licence_of_card(read_file(partial_ / "README.md"));
  }

  /// One file, or those that an index names.
  void find_weights() {
    if (repository_.find(kWeights)) {
      weights_ = {kWeights};
      return;
    }
    if (!repository_.find(kIndex)) {
      const bool pickle = repository_.find("pytorch_model.bin") || repository_.find("pytorch_model.bin.index.json");
      refuse("has no model.safetensors",
             pickle ? "pytorch_model.bin can run code when it is read: ask its authors for safetensors, or convert it"
                    : "");
    }
    bring(kIndex, kMostSmall);
    std::set<std::string> shards;
    const Json index = json_of(partial_ / kIndex);
    if (index.contains("weight_map") && index["weight_map"].is_object())
      for (const auto& [tensor, file] : index["weight_map"].items())
        if (file.is_string()) shards.insert(file.get<std::string>());
    if (shards.empty()) refuse("model.safetensors.index.json names no files");
    for (const std::string& shard : shards) {
      if (!is_plain_file_name(shard) || !shard.ends_with(".safetensors"))
        refuse(
            fmt::format("model.safetensors.index.json names a file '{}', which is none of weights", printable(shard)));
      if (!repository_.find(shard)) refuse(fmt::format("{} is named and not there", shard));
    }
    weights_.assign(shards.begin(), shards.end());
  }

  /// Reads the encoder as if its weights and its tokenizer were there: files of as many bytes, which take no space.
  void check_kind() {
    const fs::path folder = home_ / ("." + got_.name + ".look");
    const Scratch scratch(folder);
    std::error_code failed;
    for (const GotFile& file : got_.files) {
      make_folder((folder / file.name).parent_path());
      fs::copy_file(partial_ / file.name, folder / file.name, failed);
      if (failed) throw_storage(folder / file.name, "write", failed.value());
    }
    std::vector<std::string> large = weights_;
    if (repository_.find(kTokenizer)) large.emplace_back(kTokenizer);
    for (const std::string& name : large) {
      write_file(folder / name, "", Durability::atomic);
      const int64_t bytes = std::min(repository_.find(name)->bytes.value_or(kUnknownBytes), kMostSeeming);
      fs::resize_file(folder / name, static_cast<std::uintmax_t>(bytes), failed);
      if (failed) throw_storage(folder / name, "write", failed.value());
    }
    try {
      got_.kind = find_encoder(folder.string()).kind;
    } catch (const Error& error) {
      throw Error(error.kind(), request_.repository, error.message(), error.hint());
    }
  }

  void check_space() const {
    int64_t wanted = kSpare;
    std::error_code failed;
    for (const std::string& name : weights_) {
      wanted += repository_.find(name)->bytes.value_or(0);
      for (const fs::path& there : {partial_ / name, partial_ / (name + ".part")})
        if (fs::exists(there, failed)) wanted -= static_cast<int64_t>(fs::file_size(there, failed));
    }
    const auto space = fs::space(home_, failed);
    if (!failed && static_cast<double>(space.available) < static_cast<double>(wanted))
      throw Error(ErrorKind::storage, home_.string(),
                  fmt::format("has {} left, and {} are wanted", bytes_text(static_cast<double>(space.available)),
                              bytes_text(static_cast<double>(wanted))),
                  "free some space, or say another place: --to FOLDER");
  }

  void finish() {
    std::sort(got_.files.begin(), got_.files.end(), [](const GotFile& a, const GotFile& b) { return a.name < b.name; });
    Json files = Json::object();
    for (const GotFile& file : got_.files) files[file.name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
    const std::string host = http_.endpoint().substr(http_.endpoint().find("://") + 3);
    const Json own = {{"format", 1},
                      {"name", got_.name},
                      {"title", got_.title},
                      {"kind", to_string(got_.kind)},
                      {"licence", got_.licence},
                      {"source", fmt::format("{}/{} at {}", host, request_.repository, got_.commit)},
                      {"repository", request_.repository},
                      {"commit", got_.commit},
                      {"files", files}};
    write_file(partial_ / "encoder.json", own.dump(2) + "\n", Durability::durable);
    try {
      static_cast<void>(find_encoder(partial_.string()));
    } catch (const Error& error) {
      throw Error(error.kind(), request_.repository, error.message(), error.hint());
    }
    std::error_code failed;
    const fs::path old = home_ / ("." + got_.name + ".old");
    remove(old);
    if (fs::exists(fs::symlink_status(got_.folder, failed))) fs::rename(got_.folder, old, failed);  // another commit
    fs::rename(partial_, got_.folder, failed);
    if (failed) throw_storage(got_.folder, "write", failed.value());
    sync_path(home_);
    remove(old);
    remove(got_.folder / "state.json");
    remove(home_ / ("." + got_.name + ".lock"));
  }

  EncoderRequest request_;
  Http http_;
  LiveLine line_;
  Repository repository_;
  GotEncoder got_;
  fs::path home_, partial_;
  std::vector<std::string> weights_;
};

}  // namespace

GotEncoder get_encoder(const EncoderRequest& request) {
  check_repository(request.repository);
  check_revision(request.revision);
  return Getter(request).run();
}

}  // namespace fewlabel
