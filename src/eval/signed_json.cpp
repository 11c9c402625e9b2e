#include "eval/signed_json.h"

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/json_text.h"

namespace fewlabel {
namespace {

std::string hash_of(const Json& json) {
  const std::string text = json_text(json);
  return hash_bytes(text.data(), text.size());
}

}  // namespace

std::string signed_text(Json json) {
  json["hash"] = hash_of(json);
  return json_text(json, 2) + "\n";
}

Json read_signed(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  try {
    const Json json = Json::parse(text);
    Json rest = json;
    const auto hash = rest.at("hash").get<std::string>();
    rest.erase("hash");
    if (hash_of(rest) != hash) throw damaged_file(path, "is damaged: its content does not match its hash");
    return json;
  } catch (const Json::exception& error) {
    throw damaged_file(path, fmt::format("is damaged: {}", error.what()));
  }
}

Error damaged_file(const std::filesystem::path& path, const std::string& what) {
  return {ErrorKind::storage, path.string(), what, "train the model again, or restore the file from a copy"};
}

}  // namespace fewlabel
