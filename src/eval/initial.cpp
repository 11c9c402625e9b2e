#include "eval/initial.h"

#include <fmt/format.h>

#include "eval/layout_json.h"
#include "eval/saved_method.h"
#include "fewlabel/error.h"
#include "train/module_state.h"

namespace fewlabel {
namespace {

std::string described(const NetBlueprint& net) {
  std::string name = net.config.name.value_or("net");
  if (name == "wrn") name += fmt::format("_{}_{}", net.config.depth, net.config.width);
  return fmt::format("{} for {}s of {}", name, word_for_one(net.layout.kind), described(net.layout));
}

bool is_head(const std::string& name) { return name.starts_with("head."); }

std::string head_text(bool here, bool there, int64_t classes) {
  if (!there) return here ? "; it has no head, so that of this run starts anew" : "";
  return here ? "; its head stays behind, as its classes are others"
              : fmt::format("; its head of {} classes stays behind", classes);
}

}  // namespace

Net net_to_hand_on(Method& method, const Net& made_with) {
  if (auto* classifier = dynamic_cast<Classifier*>(&method)) return classifier->network();
  if (auto* transcriber = dynamic_cast<Transcriber*>(&method)) return transcriber->network();
  if (auto* encoder = dynamic_cast<Encoder*>(&method))
    if (Net backbone = encoder->backbone()) return backbone;
  return made_with && trains(method, *made_with) ? made_with : nullptr;
}

InitialNet load_initial(const std::filesystem::path& run_or_model) {
  LoadedMethod loaded = load_method(run_or_model);
  InitialNet initial{nullptr, {}, run_or_model.string(), loaded.card.name(), loaded.hash, loaded.folder};
  initial.net = net_to_hand_on(*loaded.method, loaded.net);
  if (!initial.net)
    throw Error(ErrorKind::usage, run_or_model.string(),
                fmt::format("{} trains nets of its own, which another method cannot start from", initial.method),
                "give the run of a method that trains the net of the recipe, such as simclr");
  if (initial.net->blueprint().classes > 0) initial.classes = loaded.card.classes;
  return initial;
}

std::string take_over(NetModule& net, const std::vector<std::string>& classes, const InitialNet& from) {
  const TensorMap own = state_of(net), theirs = state_of(*from.net);
  const auto mismatch = [&](const std::string& detail) {
    return Error(ErrorKind::usage, "init",
                 fmt::format("{} holds a {}, wanted a {}{}", from.origin, described(from.net->blueprint()),
                             described(net.blueprint()), detail),
                 "leave out net, data.size and data.channels to take those of the run");
  };
  const bool head = own.contains("head.linear.weight"), their_head = theirs.contains("head.linear.weight");
  const bool same_head = head && their_head && classes == from.classes;
  for (const auto& [name, tensor] : theirs)
    if (!is_head(name) && !own.contains(name)) throw mismatch(fmt::format("; '{}' is not in the latter", name));
  int64_t taken = 0;
  for (const auto& [name, tensor] : own) {
    if (is_head(name) && !same_head) continue;
    const auto found = theirs.find(name);
    if (found == theirs.end()) {
      if (is_head(name)) continue;
      throw mismatch(fmt::format("; '{}' is not in the former", name));
    }
    if (found->second.sizes() != tensor.sizes() || found->second.scalar_type() != tensor.scalar_type())
      throw mismatch(fmt::format("; '{}' has another shape", name));
    ++taken;
  }
  const at::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : own) {
    if (is_head(name) && (!same_head || !theirs.contains(name))) continue;
    Tensor(tensor).copy_(theirs.at(name));
  }
  return fmt::format("init: {} tensors of {} ({}, {}){}", taken, from.origin, from.method,
                     same_head ? "head included" : "backbone",
                     same_head ? "" : head_text(head, their_head, from.net->blueprint().classes));
}

}  // namespace fewlabel
