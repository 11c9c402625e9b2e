#include "onnx/module.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "core/files.h"
#include "fewlabel/error.h"
#include "onnx/operators.h"

namespace fewlabel {

using namespace onnx;

namespace {

constexpr std::size_t kNone = SIZE_MAX;  // the place of an input that is left out

/// As libtorch allows it, and still to be recognised.
std::string readable_name(const std::string& name, std::set<std::string>& taken) {
  std::string plain;
  for (const char c : name) {
    const bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (fine || plain.empty() || plain.back() != '_') plain += fine ? c : '_';
  }
  std::string unique = plain;
  for (int i = 2; !taken.insert(unique).second; ++i) unique = fmt::format("{}_{}", plain, i);
  return unique;
}

bool contains(InputSet set, std::size_t input) { return input < 32 && (set >> input & 1) != 0; }

}  // namespace

struct OnnxModuleImpl::Step {
  const Operator* op = nullptr;
  const OnnxNode* node = nullptr;            // of graph_
  std::vector<std::size_t> inputs, outputs;  // places, or kNone
  std::vector<std::size_t> done;             // places that no later step reads
};

OnnxModuleImpl::OnnxModuleImpl(const std::filesystem::path& path, Weights weights, const OnnxFace& face)
    : torch::nn::Module("OnnxModule"), where_(path.string()), graph_(read_graph(path, weights, face.most_inputs)) {
  for (auto name = face.outputs.rbegin(); name != face.outputs.rend(); ++name)
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i)
      if (graph_.outputs[i].name == *name) chosen_ = i;
  plan();
}

void OnnxModuleImpl::plan() {
  const auto place_of = [this](const std::string& name) {
    return name.empty() ? kNone : places_.emplace(name, places_.size()).first->second;
  };
  for (const OnnxValue& input : graph_.inputs) place_of(input.name);
  output_ = place_of(output().name);
  // From the end, so that what the output does not need is left out, and who reads a value last comes first.
  std::set<std::size_t> needed = {output_};
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    auto step = std::make_shared<Step>();
    step->node = &*node;
    for (const std::string& name : node->outputs) step->outputs.push_back(place_of(name));
    if (std::none_of(step->outputs.begin(), step->outputs.end(), [&](auto place) { return needed.contains(place); }))
      continue;
    step->op = find_operator(node->op);
    if (!step->op)
      throw Error(ErrorKind::data, where_, fmt::format("{} is an operator that is not known", label(*node)),
                  "export the net with simpler operators, or choose another");
    for (const std::string& name : node->inputs) {
      step->inputs.push_back(place_of(name));
      if (!name.empty() && needed.insert(step->inputs.back()).second) step->done.push_back(step->inputs.back());
    }
    // An output that nobody needs is done at once.
    for (const std::size_t place : step->outputs)
      if (place != kNone && !needed.contains(place)) step->done.push_back(place);
    steps_.push_back(std::move(step));
  }
  std::reverse(steps_.begin(), steps_.end());
  values_.resize(places_.size());
  add_weights();
}

void OnnxModuleImpl::add_weights() {
  enum class Use { none, weight, fixed, host };  // the last one found counts for most
  std::map<std::size_t, Use> uses;
  std::vector<std::size_t> order;
  for (const auto& step : steps_)
    for (std::size_t i = 0; i < step->inputs.size(); ++i) {
      const Use use = contains(step->op->host, i) ? Use::host : contains(step->op->fixed, i) ? Use::fixed : Use::weight;
      Use& most = uses[step->inputs[i]];
      if (most == Use::none) order.push_back(step->inputs[i]);
      most = std::max(most, use);
    }
  std::vector<const std::string*> names(values_.size(), nullptr);
  for (const auto& [name, tensor] : graph_.initializers)
    if (const auto place = places_.find(name); place != places_.end()) {
      names[place->second] = &place->first;
      values_[place->second].constant = tensor;
    }
  std::set<std::string> taken;
  for (const std::size_t place : order) {
    if (place == kNone || !names[place]) continue;
    Value& value = values_[place];
    Tensor& tensor = value.constant;
    if (uses[place] == Use::host || !tensor.is_floating_point() || tensor.dim() == 0 || tensor.numel() < 2) continue;
    const std::string name = readable_name(*names[place], taken);
    value.trained = true;
    names_[*names[place]] = name;
    tensor = uses[place] == Use::weight ? register_parameter(name, tensor) : register_buffer(name, tensor);
    graph_.initializers[*names[place]] = tensor;
  }
}

Tensor OnnxModuleImpl::on(const torch::Device& device, const Tensor& value, std::size_t place) {
  if (value.device() == device) return value;
  Value& known = values_[place];
  if (!known.constant.defined() || known.trained) return value.to(device);
  const c10::InferenceMode off(false);  // else a copy that was first made there could never be trained with
  if (!known.elsewhere.defined() || known.elsewhere.device() != device) known.elsewhere = known.constant.to(device);
  return known.elsewhere;
}

void OnnxModuleImpl::run(const Step& step, std::vector<Tensor>& values) {
  Tensors inputs(step.inputs.size());
  // Where one input is on another device than the CPU, all are brought there; shapes and such stay.
  torch::Device device = torch::kCPU;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::size_t place = step.inputs[i];
    if (place == kNone) continue;
    inputs[i] = values[place].defined() ? values[place] : values_[place].constant;
    if (!contains(step.op->host, i) && !inputs[i].is_cpu()) device = inputs[i].device();
  }
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].defined() && !contains(step.op->host, i)) inputs[i] = on(device, inputs[i], step.inputs[i]);
  const Call call(*step.node, graph_.opset, inputs, where_);
  Tensors outputs = step.op->run(call);
  for (std::size_t i = 0; i < step.outputs.size(); ++i) {
    if (step.outputs[i] == kNone) continue;
    if (i >= outputs.size()) call.refuse(fmt::format("is asked for its output {}, which it does not give", i));
    values[step.outputs[i]] = std::move(outputs[i]);
  }
}

Tensor OnnxModuleImpl::forward(const Tensor& x) { return answer({{input().name, x}}); }

Tensor OnnxModuleImpl::answer(const std::map<std::string, Tensor>& given) {
  std::vector<Tensor> values(values_.size());
  for (const auto& [name, value] : given)
    if (const auto place = places_.find(name); place != places_.end()) values[place->second] = value;
  const auto is_given = [&](std::size_t place) { return place == kNone || values[place].defined(); };
  for (const auto& step : steps_) {
    try {
      if (!std::all_of(step->outputs.begin(), step->outputs.end(), is_given)) run(*step, values);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      const Error ours = as_error(error);
      if (ours.kind() == ErrorKind::memory) throw ours;
      throw Error(ErrorKind::data, where_,
                  fmt::format("{} cannot be run: {}", label(*step->node), shown(ours.message())),
                  "check that the net gets what it was made for");
    }
    for (const std::size_t place : step->done) values[place] = Tensor();
  }
  if (values[output_].defined()) return values[output_];
  return on(given.begin()->second.device(), values_[output_].constant, output_);
}

OnnxModuleImpl::Lookup OnnxModuleImpl::lookup_of(const std::string& input) const {
  std::set<std::string> numbers = {input};
  for (const auto& step : steps_) {  // each after those that it reads from
    const OnnxNode& node = *step->node;
    const auto input_is = [&](std::size_t i) { return node.inputs.size() > i && numbers.contains(node.inputs[i]); };
    if ((node.op == "Cast" || node.op == "Identity") && input_is(0)) numbers.insert(node.outputs.front());
    if (node.op != "Gather" || !input_is(1)) continue;
    const auto axis = node.attributes.find("axis");
    const auto* along = axis == node.attributes.end() ? nullptr : std::get_if<int64_t>(&axis->second);
    if (along && *along != 0) continue;
    const auto weight = graph_.initializers.find(node.inputs[0]);
    if (weight != graph_.initializers.end() && weight->second.dim() == 2 && weight->second.is_floating_point())
      return {node.outputs.front(), weight->second};
  }
  return {};
}

void OnnxModuleImpl::write_skeleton(const std::filesystem::path& path) const {
  write_file(path, format_graph(graph_, [this](const std::string& name) { return names_.contains(name); }),
             Durability::durable);
}

}  // namespace fewlabel
