#include "hub/download.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "core/cancel.h"
#include "core/files.h"
#include "core/number.h"
#include "core/text.h"
#include "fewlabel/config.h"
#include "hub/names.h"
#include "hub/sha256.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kProgress = 1 << 20;  // bytes that make a try worth another

/// Without quotes; weak ones (W/"…") say nothing of bytes.
std::string strong_etag(const std::string& etag) {
  return etag.size() > 2 && etag.front() == '"' && etag.back() == '"' ? etag.substr(1, etag.size() - 2) : std::string();
}

/// "bytes 100-199/200" → 100 and 200.
std::optional<std::pair<int64_t, int64_t>> content_range(const std::string& text) {
  const auto dash = text.find('-'), slash = text.find('/');
  if (!text.starts_with("bytes ") || dash == std::string::npos || slash == std::string::npos || slash < dash)
    return std::nullopt;
  const auto first = whole_number(text.substr(6, dash - 6)), total = whole_number(text.substr(slash + 1));
  if (!first || !total) return std::nullopt;
  return std::pair{*first, *total};
}

}  // namespace

/// The file as far as it is there.
class Downloader::Part {
 public:
  Part(const RemoteFile& file, const fs::path& folder, int64_t most)
      : name(file.name),
        total(file.bytes),
        sha256(file.sha256),
        most_(most),
        path_(folder / (file.name + ".part")),
        note_(folder / (file.name + ".note")) {
    make_folder(path_.parent_path());
    std::error_code none;
    const bool known = fs::exists(note_, none);
    if (known) {
      const Json note = Json::parse(read_file(note_), nullptr, /*allow_exceptions=*/false);
      if (note.is_object() && note.contains("etag") && note["etag"].is_string()) etag = note["etag"];
    }
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) throw_storage(path_, "write", errno);
    size = ::lseek(descriptor_, 0, SEEK_END);
    // Without a hash in the end, or a mark of what they belong to, bytes of another time cannot be trusted.
    if (size < 0 || (etag.empty() && sha256.empty()) || (total && size > *total)) restart();
  }
  ~Part() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  bool complete() const { return total && size == *total; }
  void restart() {
    if (::ftruncate(descriptor_, 0) != 0) throw_storage(path_, "write", errno);
    size = 0;
  }
  void write(std::string_view bytes) {
    const auto count = static_cast<int64_t>(bytes.size());
    if (size + count > total.value_or(most_)) {
      remove();
      refuse(total ? fmt::format("is longer than the {} bytes that the server said", with_commas(*total))
                   : fmt::format("is longer than {}", bytes_text(static_cast<double>(most_))));
    }
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) throw_storage(path_, "write", errno);
      size += written;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void remember() const { write_file(note_, Json({{"etag", etag}}).dump() + "\n", Durability::atomic); }
  void remove() {
    std::error_code gone;
    fs::remove(path_, gone);
    fs::remove(note_, gone);
  }
  [[noreturn]] void refuse(const std::string& message) const {
    throw Error(ErrorKind::data, name, message,
                "try again; if it stays so, the server or something on the way is at fault");
  }
  /// Into its place, once it is what it should be.
  GotFile finish(const fs::path& target) {
    GotFile done{name, size, sha256_of(path_), !sha256.empty()};
    if (done.checked && done.sha256 != sha256) {
      remove();
      refuse(fmt::format("has the SHA-256 {}, and the server says {}: it was removed", done.sha256, sha256));
    }
    if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_storage(path_, "flush", errno);
    std::error_code failed;
    fs::rename(path_, target, failed);
    if (failed) throw_storage(target, "write", failed.value());
    fs::remove(note_, failed);
    return done;
  }

  std::string name;
  std::optional<int64_t> total;
  std::string sha256, etag;
  int64_t size = 0;

 private:
  int64_t most_;
  fs::path path_, note_;
  int descriptor_ = -1;
};

void Downloader::fetch(Part& part) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  int64_t before = part.size;
  const auto begin = [&](const HttpAnswer& answer) {
    // Storage behind a hub has ETags of its own, which count only where the hub itself says nothing.
    std::string hash;
    if (const auto linked = answer.linked.find("x-linked-etag"); linked != answer.linked.end())
      hash = strong_etag(linked->second);
    else if (part.sha256.empty())
      hash = strong_etag(answer.header("etag"));
    if (!is_hex(hash, 64)) hash.clear();  // a small file's is another hash
    if (!hash.empty() && !part.sha256.empty() && hash != part.sha256)
      part.refuse(fmt::format("has two SHA-256, as the server says: {} and {}", part.sha256, hash));
    if (!hash.empty()) part.sha256 = hash;
    std::optional<int64_t> total = answer.number("content-length");
    if (answer.status == 206) {
      const auto range = content_range(answer.header("content-range"));
      if (!range || range->first != part.size) part.refuse("was asked for from another place on than the server sends");
      total = range->second;
    } else {
      part.restart();
      before = 0;
    }
    if (!total && answer.linked.contains("x-linked-size")) total = whole_number(answer.linked.at("x-linked-size"));
    if (total && part.total && *total != *part.total)
      part.refuse(fmt::format("has {} bytes, as the hub lists it, and {}, as it is sent", with_commas(*part.total),
                              with_commas(*total)));
    if (total) part.total = total;
    part.etag = answer.header("etag");
    if (strong_etag(part.etag).empty()) part.etag.clear();
    part.remember();
  };
  const auto bytes = [&](std::string_view more) {
    part.write(more);
    if (!line_.due()) return;
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    const double rate = static_cast<double>(part.size - before) / std::max(seconds, 0.1);
    std::string text = fmt::format("{}  {}", part.name, bytes_text(static_cast<double>(part.size)));
    if (part.total) {
      const auto all = static_cast<double>(*part.total), left = all - static_cast<double>(part.size);
      text += fmt::format("/{} {}  {} a second", bytes_text(all), bar_of(static_cast<double>(part.size) / all),
                          bytes_text(rate));
      if (rate > 0) text += fmt::format("  {} left", duration(left / rate));
    }
    if (static_cast<int>(text.size()) >= line_.columns())
      text.resize(static_cast<std::size_t>(std::max(line_.columns() - 1, 0)));
    line_.draw(text);
  };
  const HttpAnswer answer = http_.get({base_ + part.name, part.size, part.etag}, {begin, bytes});
  const std::string ended =
      fmt::format("ended after {} of {} bytes", with_commas(part.size), with_commas(part.total.value_or(0)));
  if (answer.status == 416) {  // there is nothing behind what came, or that was of something else
    part.restart();
    throw PassingTrouble(part.name, part.total ? ended : "cannot be gone on with where it was left");
  }
  check_status(http_, answer, repository_.name, part.name);
  if (part.total && part.size < *part.total) throw PassingTrouble(part.name, ended);
}

GotFile Downloader::bring(const RemoteFile& file, int64_t most) {
  const fs::path target = folder_ / file.name;
  std::error_code none;
  if (fs::is_regular_file(target, none)) {  // of a run that was stopped later
    const auto bytes = static_cast<int64_t>(fs::file_size(target, none));
    const std::string hash = sha256_of(target);
    if ((!file.bytes || *file.bytes == bytes) && (file.sha256.empty() || file.sha256 == hash))
      return {file.name, bytes, hash, !file.sha256.empty()};
    fs::remove(target, none);
  }
  Part part(file, folder_, most);
  if (part.total && *part.total > most)
    part.refuse(fmt::format("has {}, and no more than {} are wanted", bytes_text(static_cast<double>(*part.total)),
                            bytes_text(static_cast<double>(most))));
  int64_t best = part.size;
  const auto moved = [&] {
    const bool further = part.size >= best + kProgress;
    if (further) best = part.size;
    return further;
  };
  if (!part.complete() || part.sha256.empty()) with_retries([&] { fetch(part); }, moved);
  line_.clear();
  return part.finish(target);
}

}  // namespace fewlabel
