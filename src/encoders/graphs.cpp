// ONNX files: an encoder.json that names them, or one that comes by itself.
#include <fmt/format.h>

#include <algorithm>

#include "core/files.h"
#include "core/text.h"
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostBytes = INT32_MAX;  // of an ONNX file

/// The bytes of an ONNX file, as far as it can be one.
std::string graph_bytes(const fs::path& file) {
  std::error_code unreadable;
  const auto size = fs::file_size(file, unreadable);
  return unreadable || size > kMostBytes ? std::string() : read_file(file);
}

/// Files with weights that lie beside one: entries {"location": NAME} of its tensors, as the wire format writes them.
/// For hashes and sizes alone: who reads the graph judges the names.
std::vector<std::string> external_files(const fs::path& file, const std::string& bytes) {
  constexpr std::string_view kEntry = "\x0a\x08location\x12";
  std::vector<std::string> names;
  for (std::size_t at = bytes.find(kEntry); at != std::string::npos; at = bytes.find(kEntry, at + 1)) {
    const std::size_t length = at + kEntry.size();
    if (length >= bytes.size()) break;
    const std::string name = bytes.substr(length + 1, static_cast<unsigned char>(bytes[length]) & 0x7f);
    std::error_code none;
    const bool fresh = std::find(names.begin(), names.end(), name) == names.end();
    if (fresh && !name.empty() && fs::path(name).filename() == name &&
        fs::is_regular_file(file.parent_path() / name, none))
      names.push_back(name);
  }
  return names;
}

/// ImageNet's where nothing is said.
void read_graph_pixels(EncoderCard& card, const Json& encoder) {
  card.assumed = !encoder.contains("mean") && !encoder.contains("std");
  if (!card.assumed) return read_pixels(card, encoder, {"mean", "std"}, "encoder.json");
  card.mean = {0.485, 0.456, 0.406};
  card.deviation = {0.229, 0.224, 0.225};
}

/// The tokenizer lies beside the graph, or beside the folder `onnx` that it is in, as on the Hugging Face hub.
void read_words(EncoderCard& card, const fs::path& file) {
  EncoderCard beside = card;
  beside.folder = file.parent_path();
  if (!fs::exists(beside.folder / "tokenizer.json") && beside.folder.filename() == "onnx")
    beside.folder = beside.folder.parent_path();
  if (!fs::exists(beside.folder / "tokenizer.json"))
    refuse_encoder(file, "is of texts, and tokenizer.json is not beside it",
                   "save it there with the `transformers` library: tokenizer.save_pretrained");
  card.tokenizer = (beside.folder / "tokenizer.json").string();
  read_sentence_modules(beside);
  card.net.pool = beside.net.pool;
}

void read_one_graph(EncoderCard& card, const Json& encoder, const GraphLink& link) {
  const fs::path file = card.folder / link.file;
  const std::string bytes = graph_bytes(file);
  card.files = {link.file};
  for (const std::string& name : external_files(file, bytes)) card.files.push_back(name);
  // A field's name goes before its text, so that no other word ends in it.
  const bool reads_ids = bytes.find("\x0a\x09input_ids") != std::string::npos;
  const std::string kind = config_word(encoder, "kind", reads_ids ? "text" : "image");
  card.kind = kind == "text" ? Kind::text : Kind::image;
  card.net.pool = "mean";
  if (card.kind == Kind::text)
    read_words(card, file);
  else
    read_graph_pixels(card, encoder);
  const std::string pool = config_word(encoder, "pool", card.net.pool);
  if (pool != "mean" && pool != "first")
    refuse_encoder(card.folder,
                   fmt::format("pools by '{}', and an ONNX file can be pooled by mean or first alone", printable(pool)),
                   "say it in an encoder.json: pool");
  card.net.pool = pool;
}

void check_links(const fs::path& folder, const Json& encoder, const std::vector<GraphLink>& links) {
  constexpr int64_t kMostFrames = 10'000;
  const auto within = [](int64_t frames) { return frames > 0 && frames < kMostFrames; };
  if (config_word(encoder, "kind", "audio") != "audio") {
    if (links.size() != 1)
      refuse_encoder(folder, "encoder.json does not describe one encoder", "it needs \"graphs\" of one file");
    return;
  }
  if (links.size() != 2 || links[0].window != 0 || !within(links[1].window) || !within(links[1].hop))
    refuse_encoder(folder, "encoder.json does not describe a front end and an encoder of windows",
                   "it needs \"graphs\" of two files, the second with a window and a hop");
}

}  // namespace

void read_graphs(EncoderCard& card, const Json& encoder) {
  card.architecture = "onnx";
  card.net.name = "onnx";
  card.net.graph = card.place.string();
  const bool lone = card.place != card.folder;
  const std::string kind = config_word(encoder, "kind", lone ? "" : "audio");
  if (!lone && kind != "audio" && kind != "image" && kind != "text")
    refuse_encoder(card.folder,
                   fmt::format("encoder.json says kind = '{}': wanted image, text or audio", printable(kind)));
  const std::vector<GraphLink> links = read_graph_links(card.place);
  if (kind != "audio") return read_one_graph(card, encoder, links.front());
  card.kind = Kind::audio;
  card.rate = config_number(card, encoder, {"rate"}, 192'000);
  card.mean = {0};
  card.deviation = {1};
  for (const GraphLink& link : links) card.files.push_back(link.file);
}

std::vector<GraphLink> read_graph_links(const fs::path& place) {
  GraphLink lone;
  lone.file = place.filename().string();
  if (fs::is_regular_file(place)) return {lone};
  std::vector<GraphLink> links;
  const Json encoder = read_encoder_json(place / "encoder.json");
  try {
    for (const Json& graph : encoder.at("graphs"))
      links.push_back({graph.at("file").get<std::string>(), graph.value("output", std::string()),
                       graph.value("one_by_one", false), graph.value("input_scale", 1.0),
                       graph.value("output_scale", 1.0), graph.value("output_shift", 0.0),
                       graph.value("window", int64_t{0}), graph.value("hop", int64_t{0})});
  } catch (const Json::exception&) {
    links.clear();  // said below
  }
  check_links(place, encoder, links);
  for (const GraphLink& link : links) {
    if (link.file.empty() || fs::path(link.file).filename() != link.file)
      refuse_encoder(place, "encoder.json names a graph without a file of this folder");
    if (!fs::exists(place / link.file)) refuse_encoder(place, fmt::format("{} is missing", printable(link.file)));
  }
  return links;
}

}  // namespace fewlabel
