#include "hub/repository.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "fewlabel/config.h"
#include "hub/names.h"

namespace fewlabel {
namespace {

constexpr std::size_t kMostAnswer = 64 << 20, kLongestLicence = 100;

/// The hub writes them in lower case; a few as everybody else does.
std::string spelt(const std::string& licence) {
  const std::string id = lower(trim(licence));
  if (id == "mit" || id == "isc") return id == "mit" ? "MIT" : "ISC";
  if (id == "apache-2.0") return "Apache-2.0";
  if (id == "bsd-3-clause" || id == "bsd-2-clause") return "BSD-" + id.substr(4, 1) + "-Clause";
  if (id.starts_with("cc-by") || id.starts_with("cc0-")) {
    std::string upper = id;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return upper;
  }
  return printable(trim(licence).substr(0, kLongestLicence));
}

/// A text, or several of a list.
std::string words_of(const Json& value) {
  if (value.is_string()) return spelt(value.get<std::string>());
  std::vector<std::string> words;
  if (value.is_array())
    for (const Json& word : value)
      if (word.is_string() && words.size() < 5) words.push_back(spelt(word.get<std::string>()));
  return join(words, " or ");
}

std::string licence_of(const Json& model) {
  const Json card = model.value("cardData", Json());
  if (card.is_object()) {
    if (const std::string name = words_of(card.value("license_name", Json())); !name.empty()) return name;
    if (const std::string licence = words_of(card.value("license", Json())); !licence.empty()) return licence;
  }
  const Json tags = model.value("tags", Json());
  if (tags.is_array())
    for (const Json& tag : tags)
      if (tag.is_string() && tag.get<std::string>().starts_with("license:"))
        return spelt(tag.get<std::string>().substr(8));
  return {};
}

RemoteFile file_of(const Json& sibling) {
  RemoteFile file;
  file.name = sibling.value("rfilename", std::string());
  const auto whole = [](const Json& value) -> std::optional<int64_t> {
    if (!value.is_number_integer() || value.get<int64_t>() < 0) return std::nullopt;
    return value.get<int64_t>();
  };
  file.bytes = whole(sibling.value("size", Json()));
  const Json large = sibling.value("lfs", Json());
  if (!large.is_object()) return file;
  if (const auto bytes = whole(large.value("size", Json()))) file.bytes = bytes;
  for (const char* key : {"sha256", "oid"})
    if (const std::string hash = large.value(key, std::string()); is_hex(hash, 64)) file.sha256 = hash;
  return file;
}

}  // namespace

const RemoteFile* Repository::find(const std::string& file) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const RemoteFile& other) { return other.name == file; });
  return found == files.end() ? nullptr : &*found;
}

void check_status(const Http& http, const HttpAnswer& answer, const std::string& repository, const std::string& what) {
  if (answer.status == 200 || answer.status == 206) return;
  const std::string code = answer.header("x-error-code");
  if (answer.status == 401 || answer.status == 403) {
    const std::string hint = http.has_token()
                                 ? "the token in HF_TOKEN may not read it: accept the model's terms on its "
                                   "page, or take a token that may"
                                 : "check the name; if it is right, accept the model's terms on its page "
                                   "and set HF_TOKEN to a token that may read it";
    throw Error(ErrorKind::usage, repository,
                code == "GatedRepo"
                    ? fmt::format("is gated: {} answers {}", http.endpoint(), answer.status)
                    : fmt::format("is private, gated or not there: {} answers {}", http.endpoint(), answer.status),
                hint);
  }
  if (answer.status == 404)
    throw Error(ErrorKind::usage, repository,
                code == "RevisionNotFound" ? fmt::format("has no such revision at {}", http.endpoint())
                                           : fmt::format("{} is not there: {} answers 404", what, http.endpoint()),
                code == "RevisionNotFound" ? "leave out --revision for main" : "check the name; capitals count");
  throw Error(ErrorKind::failure, repository,
              fmt::format("{} cannot be got: {} answers {}", what, http.endpoint(), answer.status));
}

Repository list_repository(Http& http, const std::string& name, const std::string& revision) {
  std::string body;
  HttpAnswer answer;
  const HttpSink sink = {[&](const HttpAnswer&) { body.clear(); },
                         [&](std::string_view bytes) {
                           if (body.size() + bytes.size() > kMostAnswer)
                             throw Error(ErrorKind::failure, http.endpoint(), "answers without an end");
                           body += bytes;
                         }};
  const std::string url =
      fmt::format("{}/api/models/{}/revision/{}?blobs=true", http.endpoint(), name, percent_encoded(revision));
  with_retries([&] { answer = http.get({url, 0, {}}, sink); }, [] { return false; });
  check_status(http, answer, name, "the model");
  const Json model = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  Repository repository{name, revision, {}, {}};
  try {
    repository.licence = licence_of(model);
    if (const std::string commit = model.value("sha", std::string()); is_hex(commit, 40) || is_hex(commit, 64))
      repository.commit = commit;
    for (const Json& sibling : model.at("siblings")) repository.files.push_back(file_of(sibling));
  } catch (const Json::exception&) {
    throw Error(ErrorKind::failure, http.endpoint(), fmt::format("does not say which files {} has", name),
                "is HF_ENDPOINT the address of a Hugging Face hub?");
  }
  return repository;
}

std::string licence_of_card(const std::string& readme) {
  const auto lines = split_text(readme, '\n');
  if (lines.empty() || trim(lines[0]) != "---") return {};
  for (std::size_t i = 1; i < lines.size() && trim(lines[i]) != "---"; ++i)
    for (const std::string_view key : {"license:", "licence:"})
      if (lines[i].starts_with(key)) {
        std::string value = trim(lines[i].substr(key.size()));
        if (value.empty() && i + 1 < lines.size() && trim(lines[i + 1]).starts_with("- "))
          value = trim(lines[i + 1]).substr(2);
        std::erase_if(value, [](char c) { return c == '"' || c == '\'' || c == '[' || c == ']'; });
        return spelt(value);
      }
  return {};
}

}  // namespace fewlabel
