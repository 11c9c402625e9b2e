#include "nets/graph_parts.h"

#include <fmt/format.h>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {

namespace fs = std::filesystem;

SingleGraph::SingleGraph(const NetSpec& spec, std::size_t most_inputs, const std::vector<std::string>& outputs)
    : place(spec.config.graph), link(read_graph_links(place).front()), kind(spec.layout.kind) {
  const bool alone = fs::is_regular_file(place);
  const fs::path folder = alone ? place.parent_path() : place;
  const bool ours = !alone && fs::exists(folder / "skeleton");  // in a model's folder, whose weights lie beside it
  module = OnnxModule(folder / link.file, ours ? onnx::Weights::elsewhere : onnx::Weights::in_file,
                      OnnxFace{most_inputs, link.output.empty() ? outputs : std::vector<std::string>{link.output}});
  if (!link.output.empty() && module->output().name != link.output)
    refuse(fmt::format("has no output '{}'", printable(link.output)), "name one that it has in encoder.json");
}

void SingleGraph::write(const fs::path& folder) const {
  make_folder(folder);
  Json own = Json::object();
  if (fs::is_directory(place)) own = Json::parse(read_file(place / "encoder.json"));
  own["format"] = 1;
  own["kind"] = to_string(kind);
  own["graphs"] = {{{"file", "encoder.onnx"}, {"output", link.output}}};
  write_file(folder / "encoder.json", own.dump(2) + "\n", Durability::atomic);
  write_file(folder / "skeleton", "The weights are in model.safetensors.\n", Durability::atomic);
  module->write_skeleton(folder / "encoder.onnx");
}

void SingleGraph::refuse(const std::string& message, const std::string& hint) const {
  throw Error(ErrorKind::data, module->name(), message, hint);
}

std::string sizes_text(const onnx::OnnxValue& value) {
  std::vector<std::string> sides;
  for (const int64_t size : value.sizes) sides.push_back(size < 0 ? "N" : std::to_string(size));
  return value.ranked ? join(sides, " x ") : "any shape";
}

bool takes_one(const SingleGraph& graph, const onnx::OnnxValue& input) {
  if (!input.ranked || input.sizes.empty() || input.sizes[0] < 0) return false;
  if (input.sizes[0] != 1)
    graph.refuse(fmt::format("takes exactly {} examples at a time", input.sizes[0]),
                 "export it with a free number of them: dynamic_axes={\"input\": {0: \"batch\"}}");
  return true;
}

}  // namespace fewlabel
