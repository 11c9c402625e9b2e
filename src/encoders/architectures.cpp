#include "encoders/architectures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr std::uintmax_t kLargestJson = 4 << 20;

constexpr std::array kTexts = {"bert", "distilbert", "roberta"};
constexpr std::array kImages = {"tf_efficientnet_lite0", "tf_efficientnet_lite1", "tf_efficientnet_lite2"};

[[noreturn]] void refuse(const fs::path& folder, const std::string& message, const std::string& hint = {}) {
  throw Error(ErrorKind::data, folder.string(), message, hint);
}

/// A whole number of a config; several names, as architectures call the same thing differently.
int64_t number(const EncoderCard& card, const Json& config, const std::vector<const char*>& names, int64_t most) {
  for (const char* name : names)
    if (config.contains(name)) {
      const Json& value = config[name];
      if (value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() <= most)
        return value.get<int64_t>();
      refuse(card.folder,
             fmt::format("config.json says {} = {}: wanted a number from 1 to {}", name, value.dump(), most));
    }
  refuse(card.folder, fmt::format("config.json does not say {}", names.front()));
}

std::string word(const Json& config, const char* name, const std::string& otherwise) {
  return config.contains(name) && config[name].is_string() ? config[name].get<std::string>() : otherwise;
}

void expect(const EncoderCard& card, const Json& config, const char* name, const std::string& wanted) {
  if (const std::string found = word(config, name, wanted); found != wanted)
    refuse(card.folder, fmt::format("config.json says {} = '{}', and only '{}' is known here", name, found, wanted));
}

/// Layers in a row that sentence-transformers puts behind a net: how it pools, and what else is done.
void read_pooling(EncoderCard& card) {
  card.net.pool = "mean";
  const fs::path pooling = card.folder / "1_Pooling" / "config.json";
  if (!fs::exists(pooling)) return;
  const Json modes = read_encoder_json(pooling);
  const auto is = [&](const char* name) { return modes.contains(name) && modes[name] == true; };
  if (is("pooling_mode_cls_token"))
    card.net.pool = "first";
  else if (!is("pooling_mode_mean_tokens"))
    refuse(card.folder, "1_Pooling/config.json pools in another way than by the mean or the first token",
           "only those two are known here");
}

void read_text(EncoderCard& card, const Json& config) {
  card.kind = Kind::text;
  const int64_t blocks = number(card, config, {"num_hidden_layers", "n_layers"}, 200);
  const int64_t width = number(card, config, {"hidden_size", "dim"}, 1 << 14);
  const int64_t heads = number(card, config, {"num_attention_heads", "n_heads"}, 1 << 10);
  const int64_t inner = number(card, config, {"intermediate_size", "hidden_dim"}, 1 << 16);
  if (width % heads != 0)
    refuse(card.folder,
           fmt::format("config.json says {} heads for a width of {}, which they do not divide", heads, width));
  const int64_t places = number(card, config, {"max_position_embeddings"}, 1 << 16);
  expect(card, config, config.contains("hidden_act") ? "hidden_act" : "activation", "gelu");
  expect(card, config, "position_embedding_type", "absolute");
  if (card.architecture == "roberta") {  // counts places from the padding's id on
    const Json padding = config.value("pad_token_id", Json(1));
    if (!padding.is_number_integer() || padding.get<int64_t>() < 0 || padding.get<int64_t>() + 1 >= places)
      refuse(card.folder, fmt::format("config.json says pad_token_id = {}", padding.dump()));
    card.first_place = padding.get<int64_t>() + 1;
  }
  // A file that holds less than a byte a number was not written by that net, whose size a config may lie about.
  std::error_code unreadable;
  const auto bytes = fs::file_size(card.folder / card.files.front(), unreadable);
  const double wanted =
      static_cast<double>(blocks) * static_cast<double>(width) * static_cast<double>(4 * width + 2 * inner);
  if (unreadable || wanted > static_cast<double>(bytes))
    refuse(card.folder,
           fmt::format("config.json describes {:.0f} million weights, and model.safetensors has {} bytes", wanted / 1e6,
                       with_commas(static_cast<int64_t>(unreadable ? 0 : bytes))),
           "it belongs to another net, or was cut off: get it again");
  card.net.name = "bert";
  card.net.shape = fmt::format("{}x{}x{}x{}", blocks, width, heads, inner);
  card.net.norm = "post";
  card.net.eps = config.contains("layer_norm_eps") && config["layer_norm_eps"].is_number()
                     ? config["layer_norm_eps"].get<double>()
                     : 1e-12;
  read_pooling(card);
  const fs::path tokenizer = card.folder / "tokenizer.json";
  if (!fs::exists(tokenizer))
    refuse(card.folder, "tokenizer.json is missing",
           "save it there with the `transformers` library: tokenizer.save_pretrained");
  card.tokenizer = tokenizer.string();
}

std::vector<double> numbers(const Json& list) {
  std::vector<double> result;
  if (list.is_array())
    for (const Json& value : list)
      if (value.is_number()) result.push_back(value.get<double>());
  return result;
}

void read_image(EncoderCard& card, const Json& config) {
  card.kind = Kind::image;
  card.architecture = card.architecture.substr(3);  // without tf_
  card.net.name = card.architecture;
  const Json trained = config.value("pretrained_cfg", Json::object());
  card.mean = numbers(trained.value("mean", Json()));
  card.deviation = numbers(trained.value("std", Json()));
  if (card.mean.size() != 3 || card.deviation.size() != 3 ||
      std::any_of(card.deviation.begin(), card.deviation.end(), [](double x) { return !(x > 0); }))
    refuse(card.folder, "config.json does not say mean and std of the pixels it was trained on (pretrained_cfg)");
}

}  // namespace

Json read_encoder_json(const fs::path& path) {
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  if (failed) refuse(path.parent_path(), fmt::format("{} is missing", path.filename().string()));
  if (size > kLargestJson)
    refuse(path, fmt::format("has {} bytes: wanted no more than 4 MB", with_commas(static_cast<int64_t>(size))));
  const Json json = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) refuse(path, "is no JSON object");
  return json;
}

void read_architecture(EncoderCard& card, const Json& config) {
  card.architecture = word(config, "model_type", "");
  if (card.architecture.empty()) {
    card.architecture = word(config, "architecture", "");
    card.architecture = card.architecture.substr(0, card.architecture.find('.'));  // behind it the training's name
  }
  const std::string& name = card.architecture;
  card.files = {"model.safetensors"};
  if (!fs::exists(card.folder / card.files[0])) {
    const bool pickle = fs::exists(card.folder / "pytorch_model.bin");
    refuse(card.folder, "model.safetensors is missing",
           pickle ? "pytorch_model.bin can run code when it is read: save the model again as safetensors" : "");
  }
  if (std::find(kTexts.begin(), kTexts.end(), name) != kTexts.end()) return read_text(card, config);
  if (std::find(kImages.begin(), kImages.end(), name) != kImages.end()) return read_image(card, config);
  std::vector<std::string> known(kTexts.begin(), kTexts.end());
  known.insert(known.end(), kImages.begin(), kImages.end());
  refuse(card.folder,
         name.empty() ? "config.json names no architecture (model_type)"
                      : fmt::format("has the architecture '{}', which is not known here", printable(name)),
         "known are " + join(known, ", "));
}

void read_graphs(EncoderCard& card, const Json& encoder) {
  card.architecture = "onnx";
  card.net.name = "onnx";
  card.net.graph = card.folder.string();
  if (word(encoder, "kind", "audio") != "audio")
    refuse(card.folder, "encoder.json names graphs for another kind of data than audio");
  card.kind = Kind::audio;
  card.rate = number(card, encoder, {"rate"}, 192'000);
  card.mean = {0};
  card.deviation = {1};
  for (const GraphLink& link : read_graph_links(card.folder)) card.files.push_back(link.file);
}

std::vector<GraphLink> read_graph_links(const fs::path& folder) {
  std::vector<GraphLink> links;
  const Json encoder = read_encoder_json(folder / "encoder.json");
  try {
    for (const Json& graph : encoder.at("graphs"))
      links.push_back({graph.at("file").get<std::string>(), graph.value("one_by_one", false),
                       graph.value("input_scale", 1.0), graph.value("output_scale", 1.0),
                       graph.value("output_shift", 0.0), graph.value("window", int64_t{0}),
                       graph.value("hop", int64_t{0})});
  } catch (const Json::exception&) {
    links.clear();  // said below
  }
  constexpr int64_t kMostFrames = 10'000;
  const auto within = [](int64_t frames) { return frames > 0 && frames < kMostFrames; };
  if (links.size() != 2 || links[0].window != 0 || !within(links[1].window) || !within(links[1].hop))
    refuse(folder, "encoder.json does not describe a front end and an encoder of windows",
           "it needs \"graphs\" of two files, the second with a window and a hop");
  for (const GraphLink& link : links) {
    if (link.file.empty() || fs::path(link.file).filename() != link.file)
      refuse(folder, "encoder.json names a graph without a file of this folder");
    if (!fs::exists(folder / link.file)) refuse(folder, fmt::format("{} is missing", printable(link.file)));
  }
  return links;
}

}  // namespace fewlabel
