#include "encoders/encoders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/hash.h"
#include "core/text.h"
#include "core/user_folder.h"
#include "encoders/architectures.h"
#include "encoders/reading.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

void count_bytes(EncoderCard& card) {
  for (const std::string& file : card.files) {
    std::error_code unreadable;
    const auto size = fs::file_size(card.folder / file, unreadable);
    if (!unreadable) card.bytes += static_cast<int64_t>(size);
  }
}

EncoderCard read_card(const fs::path& folder) {
  EncoderCard card;
  card.folder = card.place = folder;
  card.name = card.title = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  Json own = Json::object();
  if (fs::exists(folder / "encoder.json")) {
    own = read_encoder_json(folder / "encoder.json");
    for (const auto& [key, to] :
         {std::pair{"name", &card.name}, {"title", &card.title}, {"licence", &card.licence}, {"source", &card.source}})
      if (own.contains(key) && own[key].is_string()) *to = own[key].get<std::string>();
  }
  if (own.contains("graphs") && own["graphs"].is_array())
    read_graphs(card, own);
  else if (fs::exists(folder / "config.json"))
    read_architecture(card, read_encoder_json(folder / "config.json"));
  else
    throw Error(ErrorKind::data, folder.string(), "holds no encoder: config.json is missing",
                "give the folder of a Hugging Face or timm model, or one of `fewlabel encoders`");
  count_bytes(card);
  return card;
}

/// An ONNX file without an encoder.json.
EncoderCard read_lone_graph(const fs::path& file) {
  EncoderCard card;
  card.folder = file.parent_path();
  card.place = file;
  card.name = file.stem().string();
  card.title = file.filename().string();
  read_graphs(card, Json::object());
  count_bytes(card);
  return card;
}

}  // namespace

const std::vector<KnownEncoder>& known_encoders() {
  static const std::vector<KnownEncoder> known = {
      {"efficientnet_lite0", "EfficientNet-Lite0 (ImageNet-1k)", "Apache-2.0", Kind::image, 19},
      {"minilm", "all-MiniLM-L6-v2", "Apache-2.0", Kind::text, 91},
      {"speech_embedding", "Google speech embedding", "Apache-2.0", Kind::audio, 2}};
  return known;
}

fs::path encoder_folder() {
  const char* named = std::getenv("FEWLABEL_ENCODERS");
  if (named && *named) return named;
  const fs::path own = user_folder("XDG_DATA_HOME", fs::path(".local") / "share");
  return own.empty() ? own : own / "encoders";
}

std::vector<EncoderCard> installed_encoders() {
  std::vector<EncoderCard> found;
  std::error_code failed;
  const fs::path home = encoder_folder();
  if (home.empty()) return found;
  for (const auto& entry : fs::directory_iterator(home, failed)) {
    if (entry.path().filename().string().starts_with(".") || !entry.is_directory(failed)) continue;
    try {
      found.push_back(read_card(entry.path()));
    } catch (const Error&) {  // whoever names it is told
    }
  }
  std::sort(found.begin(), found.end(), [](const EncoderCard& a, const EncoderCard& b) { return a.name < b.name; });
  return found;
}

EncoderCard find_encoder(const std::string& name) {
  std::error_code ignored;
  const fs::path home = encoder_folder();
  const bool plain = name.find('/') == std::string::npos && name != "." && name != "..";
  if (plain && !home.empty() && fs::is_directory(home / name, ignored)) return read_card(home / name);
  if (fs::is_directory(name, ignored)) return read_card(fs::absolute(name).lexically_normal());
  if (name.ends_with(".onnx") && fs::is_regular_file(name, ignored))
    return read_lone_graph(fs::absolute(name).lexically_normal());
  std::vector<std::string> names;
  for (const KnownEncoder& known : known_encoders()) {
    names.emplace_back(known.name);
    if (name == known.name)
      throw Error(ErrorKind::usage, "encoder", fmt::format("{} is not installed", name),
                  fmt::format("`make encoders` gets it ({} MB, {}), into {}", known.megabytes, known.licence,
                              home.empty() ? std::string("$FEWLABEL_ENCODERS") : home.string()));
  }
  // "ORG/NAME", as hubs call models
  const bool of_hub = std::count(name.begin(), name.end(), '/') == 1 && name.find_first_of(". ~") != 0 &&
                      name.front() != '/' && name.back() != '/';
  throw Error(ErrorKind::usage, "encoder", fmt::format("there is no encoder and no folder '{}'", printable(name)),
              of_hub ? fmt::format("a model of the Hugging Face hub is fetched by `fewlabel encoders get {}`", name)
                     : suggestion(name, names));
}

std::string encoder_hash(const EncoderCard& card) {
  Hasher hasher;
  for (const std::string& file : card.files) {
    const std::string hash = hash_file((card.folder / file).string());
    hasher.add(hash.data(), hash.size());
  }
  return hasher.hex();
}

}  // namespace fewlabel
