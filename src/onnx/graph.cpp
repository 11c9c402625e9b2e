#include "onnx/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <set>
#include <unordered_map>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel::onnx {
namespace {

constexpr uint64_t kMostBytes = INT32_MAX;  // of a protobuf message
constexpr int kMostItems = 1 << 20;  // nodes, attributes, names …, of which an empty one takes two bytes of the file

class GraphReader {
 public:
  GraphReader(const std::filesystem::path& path, Weights weights, std::size_t most_inputs)
      : where_(path.string()), tensors_(path, weights), most_inputs_(most_inputs) {}

  OnnxGraph read(std::string_view bytes) {
    WireReader model(bytes, where_);
    std::optional<WireReader> graph;
    bool empty = true;
    while (model.next()) {
      empty = false;
      if (model.field() == 1) graph_.ir = model.integer();
      if (model.field() == 7) {
        if (graph) model.refuse("it has two graphs");
        graph = model.message();
      }
      if (model.field() == 8) add_opset(model.message());
    }
    if (empty) model.refuse("it is empty");
    if (!graph) model.refuse("it has no graph");
    if (graph_.opset < kFirstOpset || graph_.opset > kLastOpset)
      unsupported(graph_.opset == 0
                      ? "does not say which opset it uses"
                      : fmt::format("uses opset {}, and {} to {} can be read", graph_.opset, kFirstOpset, kLastOpset),
                  fmt::format("export it with opset_version=17"));
    read_graph(*graph);
    check_names(*graph);
    sort_nodes(*graph);
    return std::move(graph_);
  }

 private:
  [[noreturn]] void unsupported(const std::string& message, const std::string& hint) const {
    throw Error(ErrorKind::data, where_, message, hint);
  }
  void count(const WireReader& at) {
    if (++items_ > kMostItems) at.refuse("it has more parts than any net");
  }
  std::string name_of(const WireReader& reader) {
    count(reader);
    return std::string(reader.text());
  }

  void add_opset(WireReader message) {
    std::string domain;
    int64_t version = 0;
    while (message.next()) {
      if (message.field() == 1) domain = message.text();
      if (message.field() == 2) version = message.integer();
    }
    if (is_standard(domain)) graph_.opset = version;
  }
  static bool is_standard(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

  void read_graph(WireReader graph) {
    while (graph.next()) {
      switch (graph.field()) {
        case 1:
          add_node(graph.message());
          break;
        case 5: {
          count(graph);
          std::string name;
          const Tensor tensor = tensors_.read(graph.message(), &name);
          add_initializer(name, tensor, graph);
          break;
        }
        case 11:
          graph_.inputs.push_back(value_of(graph.message()));
          break;
        case 12:
          graph_.outputs.push_back(value_of(graph.message()));
          break;
        case 14:
          quantised("by its annotations");
        case 15:
          unsupported("has sparse tensors, which cannot be trained", "export it with dense ones");
        default:
          break;
      }
    }
  }

  [[noreturn]] void quantised(const std::string& how) const {
    unsupported(fmt::format("is quantised ({}), so that it cannot be trained", how),
                "export it in float32, without quantisation");
  }

  void add_initializer(const std::string& name, const Tensor& tensor, const WireReader& at) {
    if (name.empty()) at.refuse("an initializer has no name");
    if (!graph_.initializers.emplace(name, tensor).second)
      at.refuse(fmt::format("the value '{}' is there twice", shown(name)));
  }

  OnnxValue value_of(WireReader message) {
    count(message);
    OnnxValue value;
    while (message.next()) {
      if (message.field() == 1) value.name = message.text();
      if (message.field() == 2) add_type(message.message(), value);
    }
    if (value.name.empty()) message.refuse("an input or output has no name");
    return value;
  }
  void add_type(WireReader type, OnnxValue& value) {
    while (type.next()) {
      if (type.field() != 1) continue;
      for (WireReader tensor = type.message(); tensor.next();) {
        if (tensor.field() == 1) value.type = tensor.integer();
        if (tensor.field() != 2) continue;
        value.ranked = true;
        value.sizes.clear();
        for (WireReader shape = tensor.message(); shape.next();) {
          if (shape.field() != 1) continue;
          count(shape);
          value.sizes.push_back(-1);
          for (WireReader side = shape.message(); side.next();)
            if (side.field() == 1) value.sizes.back() = side.integer();
        }
      }
    }
  }

  void add_node(WireReader message) {
    count(message);
    OnnxNode node;
    std::string domain;
    std::vector<WireReader> attributes;
    while (message.next()) {
      switch (message.field()) {
        case 1:
          node.inputs.push_back(name_of(message));
          break;
        case 2:
          node.outputs.push_back(name_of(message));
          break;
        case 3:
          node.name = message.text();
          break;
        case 4:
          node.op = message.text();
          break;
        case 5:
          count(message);
          attributes.push_back(message.message());
          break;
        case 7:
          domain = message.text();
          break;
        default:
          break;
      }
    }
    if (!is_standard(domain))
      unsupported(fmt::format("{} is of '{}', not of ONNX's own operators", label(node), shown(domain)),
                  "export it without operators of a runtime or of a library");
    if (node.op == "If" || node.op == "Loop" || node.op == "Scan")
      unsupported(fmt::format("{} is control flow, which cannot be run", label(node)),
                  "export it with fixed shapes, or simplify it with onnxsim");
    if (node.op.starts_with("QLinear") || node.op.ends_with("QuantizeLinear") || node.op.ends_with("Integer") ||
        node.op == "DequantizeLinear")
      quantised(label(node));
    for (const WireReader& attribute : attributes) add_attribute(attribute, node);
    if (node.op == "Constant")
      add_constant(node, message);
    else
      graph_.nodes.push_back(std::move(node));
  }

  void add_attribute(WireReader message, OnnxNode& node) {
    std::string name, text;
    int64_t type = 0, integer = 0;
    float real = 0;
    std::vector<float> reals;
    std::vector<int64_t> integers;
    std::vector<std::string> texts;
    std::optional<WireReader> tensor;
    while (message.next()) {
      switch (message.field()) {
        case 1:
          name = message.text();
          break;
        case 2:
          real = message.real();
          break;
        case 3:
          integer = message.integer();
          break;
        case 4:
          text = message.text();
          break;
        case 5:
          tensor = message.message();
          break;
        case 7:
          message.add_to(reals);
          break;
        case 8:
          message.add_to(integers);
          break;
        case 9:
          texts.push_back(name_of(message));
          break;
        case 20:
          type = message.integer();
          break;
        default:
          break;
      }
    }
    if (name.empty()) message.refuse(fmt::format("{} has an attribute without a name", label(node)));
    OnnxAttribute value;
    switch (type) {
      case 1:
        value = real;
        break;
      case 2:
        value = integer;
        break;
      case 3:
        value = std::move(text);
        break;
      case 4:
        if (!tensor) message.refuse(fmt::format("{} of {} has no tensor", shown(name), label(node)));
        value = tensors_.read(*tensor);
        break;
      case 6:
        value = std::move(reals);
        break;
      case 7:
        value = std::move(integers);
        break;
      case 8:
        value = std::move(texts);
        break;
      default:
        unsupported(
            fmt::format("{} has an attribute '{}' of type {}, which cannot be read", label(node), shown(name), type),
            "export it with operators that need no graphs and no sparse tensors");
    }
    if (!node.attributes.emplace(name, std::move(value)).second)
      message.refuse(fmt::format("{} has '{}' twice", label(node), shown(name)));
  }

  /// A Constant is an initializer in other words; some exporters keep all weights in them.
  void add_constant(const OnnxNode& node, const WireReader& at) {
    if (node.outputs.size() != 1 || node.attributes.size() != 1)
      at.refuse(fmt::format("{} needs one value and one output", label(node)));
    const auto& [name, attribute] = *node.attributes.begin();
    Tensor value;
    if (const auto* tensor = std::get_if<Tensor>(&attribute); tensor && name == "value") value = *tensor;
    if (const auto* real = std::get_if<float>(&attribute); real && name == "value_float")
      value = torch::full({}, *real, at::kFloat);
    if (const auto* integer = std::get_if<int64_t>(&attribute); integer && name == "value_int")
      value = torch::full({}, *integer, at::kLong);
    if (const auto* reals = std::get_if<std::vector<float>>(&attribute); reals && name == "value_floats")
      value = torch::tensor(*reals, at::kFloat);
    if (const auto* integers = std::get_if<std::vector<int64_t>>(&attribute); integers && name == "value_ints")
      value = torch::tensor(*integers, at::kLong);
    if (!value.defined())
      unsupported(fmt::format("{} has a '{}', which cannot be run", label(node), shown(name)),
                  "export it with constants that are numbers");
    add_initializer(node.outputs.front(), value, at);
  }

  void check_names(const WireReader& at) {
    std::erase_if(graph_.inputs, [&](const OnnxValue& input) { return graph_.initializers.contains(input.name); });
    if (graph_.inputs.empty() || graph_.inputs.size() > most_inputs_) {
      std::vector<std::string> names;
      for (const OnnxValue& input : graph_.inputs)
        if (names.size() < 8) names.push_back(shown(input.name));
      unsupported(names.empty()
                      ? "has no input"
                      : fmt::format("has {} inputs ({}{}), and {} wanted", graph_.inputs.size(), join(names, ", "),
                                    names.size() < graph_.inputs.size() ? ", …" : "",
                                    most_inputs_ == 1 ? "one is" : fmt::format("{} at most are", most_inputs_)),
                  "export the part of the net that needs no more");
    }
    if (graph_.outputs.empty()) at.refuse("it has no output");
    for (const auto& [name, tensor] : graph_.initializers) produced_.insert(name);
    for (const OnnxValue& input : graph_.inputs) produce(input.name, at);
    for (const OnnxNode& node : graph_.nodes)
      for (const std::string& output : node.outputs)
        if (!output.empty()) produce(output, at);
    const auto need = [&](const std::string& name, const std::string& who) {
      if (!produced_.contains(name)) at.refuse(fmt::format("{} needs '{}', which nothing produces", who, shown(name)));
    };
    for (const OnnxNode& node : graph_.nodes)
      for (const std::string& input : node.inputs)
        if (!input.empty()) need(input, label(node));
    for (const OnnxValue& output : graph_.outputs) need(output.name, "its output");
  }
  void produce(const std::string& name, const WireReader& at) {
    if (!produced_.insert(name).second) at.refuse(fmt::format("the value '{}' is there twice", shown(name)));
  }

  /// In the file's own order as far as that can be run.
  void sort_nodes(const WireReader& at) {
    std::vector<OnnxNode>& nodes = graph_.nodes;
    std::unordered_map<std::string, std::size_t> producers;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (const std::string& output : nodes[i].outputs)
        if (!output.empty()) producers[output] = i;
    std::vector<std::vector<std::size_t>> readers(nodes.size());
    std::vector<std::size_t> missing(nodes.size(), 0);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      for (const std::string& input : nodes[i].inputs)
        if (const auto producer = producers.find(input); producer != producers.end()) {
          readers[producer->second].push_back(i);
          ++missing[i];
        }
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (missing[i] == 0) ready.push(i);
    std::vector<OnnxNode> sorted;
    while (!ready.empty()) {
      const std::size_t first = ready.top();
      ready.pop();
      for (const std::size_t reader : readers[first])
        if (--missing[reader] == 0) ready.push(reader);
      sorted.push_back(std::move(nodes[first]));
    }
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (missing[i] > 0) at.refuse(fmt::format("{} waits for itself", label(nodes[i])));
    nodes = std::move(sorted);
  }

  std::string where_;
  TensorReader tensors_;
  std::size_t most_inputs_;
  OnnxGraph graph_;
  std::set<std::string> produced_;
  int items_ = 0;
};

WireWriter format_attribute(const std::string& name, const OnnxAttribute& attribute) {
  WireWriter message;
  message.text(1, name);
  const auto is = [&message](int64_t type) { message.integer(20, type); };
  if (const auto* real = std::get_if<float>(&attribute)) message.real(2, *real), is(1);
  if (const auto* integer = std::get_if<int64_t>(&attribute)) message.integer(3, *integer), is(2);
  if (const auto* text = std::get_if<std::string>(&attribute)) message.text(4, *text), is(3);
  if (const auto* tensor = std::get_if<Tensor>(&attribute)) message.message(5, format_tensor("", *tensor, true)), is(4);
  if (const auto* reals = std::get_if<std::vector<float>>(&attribute)) {
    for (const float real : *reals) message.real(7, real);
    is(6);
  }
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&attribute)) {
    for (const int64_t integer : *integers) message.integer(8, integer);
    is(7);
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute)) {
    for (const std::string& text : *texts) message.text(9, text);
    is(8);
  }
  return message;
}

WireWriter format_value(const OnnxValue& value) {
  WireWriter message, type, tensor, shape;
  for (const int64_t size : value.sizes) {
    WireWriter side;
    if (size >= 0) side.integer(1, size);
    shape.message(1, side);
  }
  tensor.integer(1, value.type);
  if (value.ranked) tensor.message(2, shape);
  type.message(1, tensor);
  message.text(1, value.name);
  message.message(2, type);
  return message;
}

WireWriter format_node(const OnnxNode& node) {
  WireWriter message;
  for (const std::string& input : node.inputs) message.text(1, input);
  for (const std::string& output : node.outputs) message.text(2, output);
  if (!node.name.empty()) message.text(3, node.name);
  message.text(4, node.op);
  for (const auto& [name, attribute] : node.attributes) message.message(5, format_attribute(name, attribute));
  return message;
}

}  // namespace

OnnxGraph read_graph(const std::filesystem::path& path, Weights weights, std::size_t most_inputs) {
  const uint64_t size = regular_file_size(path);
  if (size > kMostBytes)
    throw Error(ErrorKind::storage, path.string(), "is no ONNX file: those end before 2 GB",
                "export a larger net with its weights as external data");
  std::string bytes(size, '\0');
  read_bytes(path, 0, bytes.data(), size);
  return GraphReader(path, weights, most_inputs).read(bytes);
}

std::string format_graph(const OnnxGraph& graph, const std::function<bool(const std::string&)>& left_out) {
  WireWriter model, opset, body;
  for (const OnnxNode& node : graph.nodes) body.message(1, format_node(node));
  body.text(2, "fewlabel");
  for (const auto& [name, tensor] : graph.initializers) body.message(5, format_tensor(name, tensor, !left_out(name)));
  for (const OnnxValue& input : graph.inputs) body.message(11, format_value(input));
  for (const OnnxValue& output : graph.outputs) body.message(12, format_value(output));
  opset.integer(2, graph.opset);
  model.integer(1, graph.ir);
  model.text(2, "fewlabel");
  model.message(7, body);
  model.message(8, opset);
  return model.bytes();
}

std::string label(const OnnxNode& node) {
  const std::string& name = !node.name.empty() || node.outputs.empty() ? node.name : node.outputs.front();
  return fmt::format("node '{}' ({})", shown(name), shown(node.op));
}

}  // namespace fewlabel::onnx
