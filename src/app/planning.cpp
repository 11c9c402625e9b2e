#include "app/planning.h"

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json_text.h"
#include "encoders/encoders.h"
#include "eval/encoder.h"
#include "eval/saved_method.h"
#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "modalities/modalities.h"
#include "plan/recipe.h"

namespace fewlabel {

namespace {

/// Whether anything is said of the layout that examples are brought into.
bool says_sizes(const DataConfig& data) {
  return data.size || data.channels || data.length || data.rate || data.seconds || data.longest;
}

}  // namespace

std::string method_name(const Json& method) { return method.at("name").get<std::string>(); }

bool learns_without_labels(const Json& method) {
  return method.contains("name") && find_method(method_name(method)).learns_without_labels();
}

void check_method(Json& method) {
  const MethodInfo& info = find_method(method_name(method));
  Json own = method;
  own.erase("name");
  Json resolved = Json{{"name", info.name}};
  resolved.update(info.resolve(own));
  method = resolved;
}

void check_target(const MethodInfo& info, bool transcribed) {
  if (info.learns_without_labels() || info.transcribes == transcribed) return;
  if (transcribed)
    throw Error(ErrorKind::usage, "method", fmt::format("{} learns classes, and the labels are transcripts", info.name),
                "use method=mpl, or say data.target=class");
  throw Error(ErrorKind::usage, "method",
              fmt::format("{} learns from transcripts, and the labels are classes", info.name),
              "leave method out, or say where the transcripts are: data.columns=transcript:COLUMN");
}

std::string plan_identity(const Plan& plan) {
  const std::string text = plan_text(plan);
  return hash_bytes(text.data(), text.size());
}

bool may_change_on_resume(const std::string& key) {
  return key == "out" || key == "train.device" || key == "train.workers" || key == "train.checkpoint_seconds" ||
         key == "train.checkpoints";
}

std::vector<std::string> adopt_initial(TrainConfig& config) {
  if (config.init.empty()) return {};
  const SavedMethod saved = read_method_card(config.init);
  if (!config.init_hash.empty() && config.init_hash != saved.hash)
    throw Error(
        ErrorKind::usage, "init",
        fmt::format("{} holds other weights ({}) than the plan names ({})", config.init, saved.hash, config.init_hash),
        "leave out init_hash to take the weights as they are now, or restore that run");
  config.init_hash = saved.hash;
  std::vector<std::string> choices;
  if (!config.net.name) {
    config.net = saved.card.net;
    choices.push_back(fmt::format("net.name = {}: that of {}", *config.net.name, config.init));
  }
  const Layout& layout = saved.card.task.layout;
  if (layout.kind == Kind::text && config.data.tokenizer == "auto")
    config.data.tokenizer = (saved.folder / kTokenizerFile).string();
  if (layout.kind == Kind::audio) take_front_end(config.data, read_front_end(saved.folder));
  if (!says_sizes(config.data)) {
    bring_into(config.data, layout);
    choices.push_back(fmt::format("data.{} = {}: that of {}",
                                  layout.kind == Kind::image   ? "size"
                                  : layout.kind == Kind::audio ? "mels"
                                                               : "length",
                                  layout.sizes.at(0), config.init));
  }
  return choices;
}

std::vector<std::string> adopt_encoder(TrainConfig& config, const EncoderCard& card, const std::string& hash) {
  if (!config.encoder_hash.empty() && config.encoder_hash != hash)
    throw Error(
        ErrorKind::usage, "encoder",
        fmt::format("{} holds other weights ({}) than the plan names ({})", card.name, hash, config.encoder_hash),
        "leave out encoder_hash to take the weights as they are now, or restore that encoder");
  if (config.net.name && *config.net.name != *card.net.name)
    throw Error(
        ErrorKind::usage, "net",
        fmt::format("net.name is '{}', and the encoder {} is a {}", *config.net.name, card.name, *card.net.name),
        "leave out net, or start from nothing: encoder=none");
  config.encoder = card.place.string();
  config.encoder_hash = hash;
  const double dropout = config.net.dropout, inner = config.net.inner_dropout;
  const int64_t grid = config.net.grid;
  config.net = card.net;
  config.net.dropout = dropout;
  config.net.inner_dropout = inner;
  config.net.grid = grid;
  config.net.head = "unit";
  DataConfig& data = config.data;
  std::vector<std::string> choices;
  choices.push_back(
      fmt::format("encoder = {}: {}{}", card.name, card.title, card.licence.empty() ? "" : ", " + card.licence));
  const auto list = [](const std::vector<double>& values) { return fmt::format("{}", fmt::join(values, ",")); };
  if (data.mean.empty() && data.deviation.empty()) {
    data.mean = list(card.mean);
    data.deviation = list(card.deviation);
    if (card.assumed)
      choices.push_back(fmt::format("data.mean = {}, data.std = {}: ImageNet's, since {} comes without its own",
                                    data.mean, data.deviation, card.name));
  }
  if (const int64_t size = only_size(card); size > 0) {
    if (card.kind == Kind::image && !data.size) {
      data.size = size;
      choices.push_back(fmt::format("data.size = {}: {} takes no other", size, card.name));
    }
    if (card.kind == Kind::text && !data.length) data.length = size;
  }
  if (card.kind == Kind::text) data.tokenizer = card.tokenizer;
  if (card.kind == Kind::image && !data.channels) data.channels = 3;
  if (card.kind == Kind::audio) {
    data.mels = 0;
    data.rate = card.rate;
  }
  return choices;
}

bool learns_a_head(const Json& method) {
  if (!method.contains("name")) return false;
  const std::string& family = find_method(method_name(method)).family;
  return family == "frozen" || family == "tuned";
}

void adopt_stage(TrainConfig& config, const Plan& before) {
  if (!config.net.name) config.net = net_config(before.net);
  if (says_sizes(config.data)) return;
  config.data.size = before.data.size;
  config.data.channels = before.data.channels;
  config.data.length = before.data.length;
  config.data.rate = before.data.rate;
  config.data.seconds = before.data.seconds;
  config.data.longest = before.data.longest;
}

Plan baseline_of(const Plan& plan) {
  Plan baseline = plan;
  baseline.stage = "baseline";
  const bool transcribes = find_method(method_name(plan.method)).transcribes;
  const bool tunes = method_name(plan.method) == "setfit";
  baseline.method = Json{{"name", transcribes ? "ctc" : learns_a_head(plan.method) ? "logistic" : "supervised"}};
  if (tunes) baseline.method = plan.method, baseline.method["student"] = false;
  check_method(baseline.method);
  baseline.probe = "none";
  baseline.data.virtual_examples.clear();
  baseline.init.clear();
  baseline.init_hash.clear();
  baseline.starts_from.clear();
  return baseline;
}

NetConfig net_config(const NetPlan& plan) {
  Json json;
  write_config(json, plan);
  return read_config<NetConfig>("net", json);
}

std::vector<std::string> unlike_the_paper(const Json& method) {
  const Json own = find_method(method_name(method)).resolve(Json::object());
  std::vector<std::string> unlike;
  for (const auto& [key, value] : own.items())
    if (method.contains(key) && method[key] != value)
      unlike.push_back(fmt::format("{} = {} ({})", key, json_text(method[key]), json_text(value)));
  return unlike;
}

}  // namespace fewlabel
