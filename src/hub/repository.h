// What a hub says of a model: its files, its licence, and at which commit. Internal to src/hub.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/http.h"

namespace fewlabel {

struct RemoteFile {
  std::string name;              // with '/' between folders
  std::optional<int64_t> bytes;  // where the hub says it
  std::string sha256;            // likewise: of large files
};

struct Repository {
  std::string name, commit, licence;  // licence: empty where it is unknown
  std::vector<RemoteFile> files;
  /// Null where there is none.
  const RemoteFile* find(const std::string& file) const;
};

/// Throws Error{usage} where there is no such model or it may not be read, Error{failure} for an answer that is none.
Repository list_repository(Http& http, const std::string& name, const std::string& revision);
/// Throws what a status that is no success means, for `what` of a repository.
void check_status(const Http& http, const HttpAnswer& answer, const std::string& repository, const std::string& what);
/// Of the front matter of a model card; empty where it says none.
std::string licence_of_card(const std::string& readme);

}  // namespace fewlabel
