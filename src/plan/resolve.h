// From a configuration as written to a plan with nothing left open: every "auto" becomes a value, and each choice is
// told in a sentence. Free of libtorch.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/dataset.h"
#include "fewlabel/train_config.h"
#include "plan/preset.h"

namespace fewlabel {

/// What a plan depends on beside the configuration.
struct PlanFacts {
  Layout found;  // commonest layout of the examples
  int64_t labeled = 0, unlabeled = 0, classes = 0;
  int threads = 1;                     // that this process may use
  bool bf16 = false;                   // the processor multiplies bf16 natively
  bool gpu = false, gpu_bf16 = false;  // there is one that training can use; it multiplies bf16 natively
  bool learns_without_labels = false;  // the method of the configuration
  Preset preset = Preset::brief;
  bool transcribed = false;  // labels are transcripts
  bool encoder = false;      // the net comes from an encoder
};

/// The method of a configuration that names none: best_head on an encoder, else freematch (of texts uda, of transcripts
/// mpl), or supervised (ctc) where every example has a label.
struct MethodChoice {
  std::string name, sentence;  // for Resolved::choices
};
MethodChoice choose_method(const PlanFacts& facts);

struct Resolved {
  Plan plan;                         // train.steps is 1 where a budget decides them (app/budget.h)
  std::vector<std::string> choices;  // "net.name = cnn: small images" …, for a person to read
};

/// Fills everything that is open. Throws Error{usage}.
Resolved resolve(TrainConfig config, const PlanFacts& facts);

/// Minutes of a run that says neither steps nor minutes.
inline constexpr double kDefaultMinutes = 5;

/// A pair of what decides the cost of a step most.
struct Scale {
  int64_t size = 0;  // side of images in pixels, tokens of texts; 0: there is nothing to choose
  std::string net;
  bool operator==(const Scale&) const = default;
};
/// The scales that a budget may choose among, largest first: what `config` says stays as it is, and none shows more
/// than most examples have.
std::vector<Scale> scales(const TrainConfig& config, const PlanFacts& facts);
/// The cheapest net that learns from a kind at all; empty where scales() has it already.
std::string smallest_net(Kind kind);

}  // namespace fewlabel
