// From a recipe to a configuration whose method is known and checked. What a run then does is in app/runner.h.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/layout.h"
#include "fewlabel/train_config.h"
#include "modalities/audio/front_end.h"

namespace fewlabel {

struct MethodInfo;
struct EncoderCard;

/// Of a configuration or a plan whose method is chosen: `method` is its table.
std::string method_name(const Json& method);
/// False where no method is named: the one that is picked then needs labels.
bool learns_without_labels(const Json& method);
/// Refuses unknown methods and fields before anything is written, and writes defaults out. Throws Error{usage}.
void check_method(Json& method);
/// Refuses a method of classes where labels are transcripts, and the reverse. Throws Error{usage}.
void check_target(const MethodInfo& info, bool transcribed);
/// A checkpoint belongs to one plan: the hash of the bytes that plan.toml has.
std::string plan_identity(const Plan& plan);
/// Whether a key leaves the weights that a resumed run ends with as they are.
bool may_change_on_resume(const std::string& key);
/// Fills init_hash, and net, data.size and data.channels from the run that init names, where they are left open.
/// Returns sentences that say so. Throws Error{usage} when init_hash names other weights.
std::vector<std::string> adopt_initial(TrainConfig& config);
/// The same from an encoder, and what its examples were like: tokenizer, scale of pixels, rate of recordings.
/// `hash`: encoder_hash() of it, which reads all of its weights.
std::vector<std::string> adopt_encoder(TrainConfig& config, const EncoderCard& card, const std::string& hash);
/// The same from a stage before it.
void adopt_stage(TrainConfig& config, const Plan& before);
/// Whether a method learns a head of features that stay as they are.
bool learns_a_head(const Json& method);
/// The supervised baseline of a plan: same net, augmentation and optimiser, labels alone.
Plan baseline_of(const Plan& plan);
/// The written form of a planned net, for make_net and cards.
NetConfig net_config(const NetPlan& plan);
/// Settings of the method that are not its own defaults, "mu = 5 (7)" each; empty where all are.
std::vector<std::string> unlike_the_paper(const Json& method);

/// Lets a configuration or a plan of data bring examples into a layout; of recordings the front end is already that of
/// the layout.
template <typename Data>
void bring_into(Data& data, const Layout& layout) {
  if (layout.kind == Kind::image) {
    data.size = layout.sizes.at(0);
    data.channels = layout.sizes.at(2);
  } else if (layout.kind == Kind::text) {
    data.length = layout.sizes.at(0);
  } else if (layout.kind == Kind::audio) {
    const FrontEnd front = front_end_of(data);
    const double rate = layout.rate;
    data.rate = layout.rate;
    data.seconds = static_cast<double>(front.samples(layout)) / rate;
    data.longest = layout.longest / rate;
  }
}

}  // namespace fewlabel
