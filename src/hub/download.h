// One file of a hub, brought whole or not at all. Internal to src/hub.
#pragma once
#include <filesystem>
#include <string>

#include "core/live_line.h"
#include "hub/get_encoder.h"
#include "hub/repository.h"

namespace fewlabel {

/// Brings files of one commit into a folder. FILE.part is what came so far, FILE.note what it belongs to: the next try,
/// also of another process, goes on behind it.
class Downloader {
 public:
  /// All must outlive it. `base` is the address before the names of files.
  Downloader(Http& http, const Repository& repository, std::string base, std::filesystem::path folder, LiveLine& line)
      : http_(http), repository_(repository), base_(std::move(base)), folder_(std::move(folder)), line_(line) {}

  /// Throws PassingTrouble and what check_status does; Error{data} for other bytes than the hub said, which are
  /// removed, or more than `most`; Error{storage}.
  GotFile bring(const RemoteFile& file, int64_t most);

 private:
  class Part;
  void fetch(Part& part);

  Http& http_;
  const Repository& repository_;
  std::string base_;
  std::filesystem::path folder_;
  LiveLine& line_;
};

}  // namespace fewlabel
