// encoder.json, which names ONNX files.
#include <fmt/format.h>

#include "core/text.h"
#include "encoders/architectures.h"
#include "encoders/reading.h"

namespace fewlabel {

namespace fs = std::filesystem;

void read_graphs(EncoderCard& card, const Json& encoder) {
  card.architecture = "onnx";
  card.net.name = "onnx";
  card.net.graph = card.folder.string();
  if (config_word(encoder, "kind", "audio") != "audio")
    refuse_encoder(card.folder, "encoder.json names graphs for another kind of data than audio");
  card.kind = Kind::audio;
  card.rate = config_number(card, encoder, {"rate"}, 192'000);
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
    refuse_encoder(folder, "encoder.json does not describe a front end and an encoder of windows",
                   "it needs \"graphs\" of two files, the second with a window and a hop");
  for (const GraphLink& link : links) {
    if (link.file.empty() || fs::path(link.file).filename() != link.file)
      refuse_encoder(folder, "encoder.json names a graph without a file of this folder");
    if (!fs::exists(folder / link.file)) refuse_encoder(folder, fmt::format("{} is missing", printable(link.file)));
  }
  return links;
}

}  // namespace fewlabel
