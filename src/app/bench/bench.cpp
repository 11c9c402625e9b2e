// `fewlabel bench`: how long a training step and what feeds it take on this machine, and beside another program.
#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <map>

#include "app/app.h"
#include "app/bench/measure.h"
#include "app/machine.h"
#include "core/command.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "fewlabel/method.h"
#include "train/machine.h"
#include "train/precision.h"

namespace fewlabel {
namespace {

ImageShape image(int64_t side, int64_t channels) {
  return {static_cast<int32_t>(side), static_cast<int32_t>(side), static_cast<int32_t>(channels)};
}

Layout texts() {
  constexpr int32_t kTokens = 64, kVocabulary = 8000;
  return {Kind::text, Layout::Type::i32, {kTokens}, kVocabulary};
}

using measure::StepRequest;

/// A step that is known by name, and how bench/pytorch_peer.py is asked for the same one.
struct Known {
  const char* name;
  StepRequest step;
  std::vector<std::string> peer;
};

const std::vector<Known>& known_steps() {
  static const std::vector<Known> all = [] {
    const auto step = [](const char* method, const char* net, int64_t batch, int64_t side, int64_t channels) {
      StepRequest request;
      request.method = method;
      request.net = net;
      request.batch = batch;
      request.layout = image(side, channels);
      return request;
    };
    const auto text_step = [&](const char* method, int64_t batch) {
      StepRequest request = step(method, "bert_mini", batch, 1, 1);
      request.layout = texts();
      return request;
    };
    const auto sound_step = [&](const char* method, const char* net, int64_t batch) {
      StepRequest request = step(method, net, batch, 1, 1);
      request.layout = measure::second_of_sound();
      return request;
    };
    std::vector<Known> steps = {
        {"fixmatch/seed_cnn", step("fixmatch", "seed_cnn", 64, 28, 1), {"step", "--net", "seed_cnn"}},
        {"fixmatch/wrn_28_2", step("fixmatch", "wrn_28_2", 64, 32, 3), {"step", "--net", "wrn28_2"}},
        {"supervised/resnet18", step("supervised", "resnet18", 64, 32, 3), {"supervised"}},
        {"simclr/resnet18", step("simclr", "resnet18", 256, 32, 3), {"simclr"}},
        {"fixmatch/bert_mini", text_step("fixmatch", 32), {"text_fixmatch"}},
        {"mlm/bert_mini", text_step("mlm", 128), {"text_mlm"}},
        {"fixmatch/wrn_28_2_sound", sound_step("fixmatch", "wrn_28_2", 64), {"step", "--net", "wrn28_2_sound"}},
        {"freematch/cnn", step("freematch", "cnn", 32, 28, 1), {}},  // the step of `make demo`
        {"mae/vit_micro", step("mae", "vit_micro", 256, 28, 1), {}},
        {"gan/cnn", step("gan", "cnn", 64, 28, 1), {}},
    };
    for (Known& known : steps)
      if (std::string_view(known.name) == "freematch/cnn") known.step.fields = {{"mu", 5}};
    return steps;
  }();
  return all;
}

const std::vector<std::string> kParts = {"augment", "sounds", "loader", "checkpoint", "peak"};

/// How a rival's script is run: its --mode and what is added to its environment.
struct PeerMode {
  std::string mode;
  std::vector<std::string> environment;
};
const std::map<std::string, PeerMode>& peer_modes() {
  // So that glibc keeps the buffers of a step instead of asking the kernel for zeroed pages anew.
  static const std::vector<std::string> raised = {"MALLOC_MMAP_THRESHOLD_=1073741824",
                                                  "MALLOC_TRIM_THRESHOLD_=2147483647", "MALLOC_TOP_PAD_=67108864"};
  static const std::map<std::string, PeerMode> all = {
      {"default", {"default", {}}}, {"raised", {"default", raised}},
      {"tuned", {"tuned", {}}},     {"channels_last", {"channels_last", {}}},
      {"best", {"tuned", raised}},
  };
  return all;
}

int64_t peak_mib() { return static_cast<int64_t>(peak_memory_mb() * 1e6 / (1 << 20)); }

/// The number behind "key=" in what the script printed.
double printed(const std::string& text, const std::string& key, const std::string& script) {
  const auto at = text.find(key + "=");
  try {
    if (at != std::string::npos) return std::stod(text.substr(at + key.size() + 1));
  } catch (const std::exception&) {
  }
  throw Error(ErrorKind::failure, script, fmt::format("printed no {}=", key), "use bench/pytorch_peer.py");
}

Json method_fields(const std::vector<std::string>& texts) {
  Json fields = Json::object();
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    const std::string value = text.substr(equals + 1);
    fields[text.substr(0, equals)] = Json::accept(value) ? Json::parse(value) : Json(value);
  }
  return fields;
}

/// Images of 28 × 28, or 64 tokens for a net of texts.
Layout usual_layout(const std::string& net) {
  const std::vector<std::string> readers = net_names(Kind::text);
  const auto reads = [&](const std::string& name) { return net == name || net.starts_with(name + "_"); };
  if (std::any_of(readers.begin(), readers.end(), reads)) return texts();
  return image(28, 1);
}

/// The step that is asked for: a known one, or METHOD/NET on images of 28 × 28 or texts of 64 tokens; with what was
/// changed.
Known step_of(const BenchRequest& request) {
  const auto& all = known_steps();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Known& known) { return known.name == request.what; });
  Known chosen{"", {}, {}};
  if (found != all.end()) {
    chosen = *found;
  } else {
    const auto slash = request.what.find('/');
    if (slash == std::string::npos) {
      std::vector<std::string> names = kParts;
      for (const Known& known : all) names.emplace_back(known.name);
      throw Error(ErrorKind::usage, "bench", fmt::format("unknown benchmark '{}'", request.what),
                  suggestion(request.what, names) + ", or METHOD/NET");
    }
    chosen.step.method = request.what.substr(0, slash);
    chosen.step.net = request.what.substr(slash + 1);
    chosen.step.layout = usual_layout(chosen.step.net);
  }
  StepRequest& step = chosen.step;
  if (request.batch > 0) step.batch = request.batch;
  if (step.layout.kind == Kind::image) {
    const ImageShape shape = image_shape(step.layout);
    step.layout =
        image(request.side > 0 ? request.side : shape.height, request.channels > 0 ? request.channels : shape.channels);
  } else if (request.side > 0) {
    step.layout.sizes = {static_cast<int32_t>(request.side)};
  }
  step.fields.update(method_fields(request.fields));
  step.steps = request.steps;
  step.warm = request.warm;
  step.device = request.device;
  step.kept = request.kept;
  if (step.kept >= 0 && !find_method(step.method).resolve(step.fields).contains("tau"))
    throw Error(ErrorKind::usage, "--kept", fmt::format("{} has no threshold tau", step.method), "leave --kept out");
  step.threads = request.threads > 0 ? static_cast<int>(request.threads) : usable_threads();
  step.precision = !request.precision.empty() ? request.precision : has_fast_bf16() ? "bf16" : "fp32";
  if (!request.peer.empty() && chosen.peer.empty())
    throw Error(ErrorKind::usage, "bench", fmt::format("{} has no counterpart for --peer", request.what),
                "leave --peer out");
  return chosen;
}

/// Ours and theirs in turns, the order changing with each round.
struct Contest {
  std::vector<double> wall, processor;              // of our steps, a figure a round
  std::map<std::string, std::vector<double>> them;  // by mode, a figure a round
  std::map<std::string, int64_t> memory;            // MiB, by mode
  int64_t examples = 0, peak = 0;
  double kept = -1;
};

Contest take_turns(const BenchRequest& request, const Known& known) {
  Contest contest;
  const auto ours = [&] {
    const measure::StepTimes times = measure::time_steps(known.step);
    contest.wall.push_back(measure::median(times.wall));
    contest.processor.push_back(measure::median(times.processor));
    contest.examples = times.examples;
    contest.kept = times.kept;
    if (contest.peak == 0) contest.peak = peak_mib();  // of one training; later rounds find a used heap
  };
  const auto theirs = [&] {
    for (const std::string& name : request.modes) {
      const PeerMode& mode = peer_modes().at(name);
      std::vector<std::string> argv = {request.python, request.peer};
      argv.insert(argv.end(), known.peer.begin(), known.peer.end());
      argv.insert(argv.end(),
                  {"--mode", mode.mode, "--repeats", std::to_string(std::clamp<int64_t>(known.step.steps / 5, 1, 20)),
                   "--threads", std::to_string(known.step.threads)});
      const std::string text = output_of(argv, mode.environment);
      contest.them[name].push_back(printed(text, "s/step", request.peer));
      contest.memory[name] = static_cast<int64_t>(printed(text, "peak_MiB", request.peer));
    }
  };
  for (int64_t round = 0; round < request.rounds; ++round) {
    if (request.peer.empty()) {
      ours();
    } else if (round % 2 == 0) {
      ours();
      theirs();
    } else {
      theirs();
      ours();
    }
  }
  return contest;
}

Json peers(const Contest& contest) {
  Json all = Json::array();
  for (const auto& [mode, seconds] : contest.them) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < seconds.size(); ++i) ratios.push_back(seconds[i] / contest.wall[i]);
    all.push_back({{"mode", mode},
                   {"seconds_per_step", measure::median(seconds)},
                   {"ratio", measure::median(ratios)},
                   {"smallest_ratio", *std::min_element(ratios.begin(), ratios.end())},
                   {"largest_ratio", *std::max_element(ratios.begin(), ratios.end())},
                   {"peak_mib", contest.memory.at(mode)}});
  }
  return all;
}

Json bench_step(const BenchRequest& request) {
  Known known = step_of(request);
  if (known.step.steps == 0) known.step.steps = measure::fitting_steps(known.step);
  const StepRequest& step = known.step;
  const Contest contest = take_turns(request, known);
  const double seconds = measure::median(contest.wall);
  Json result = {{"benchmark", request.what},
                 {"method", step.method},
                 {"net", step.net},
                 {"batch", step.batch},
                 {"fields", step.fields},
                 {"device", step.device},
                 {"precision", step.precision},
                 {"threads", step.threads},
                 {"steps", step.steps},
                 {"rounds", request.rounds},
                 {"seconds_per_step", seconds},
                 {"fastest_round", *std::min_element(contest.wall.begin(), contest.wall.end())},
                 {"slowest_round", *std::max_element(contest.wall.begin(), contest.wall.end())},
                 {"processor_seconds_per_step", measure::median(contest.processor)},
                 {"examples_per_second", static_cast<double>(contest.examples) / seconds},
                 {"peak_mib", contest.peak}};
  if (is_picture(step.layout)) {
    result["side"] = step.layout.sizes[0];
    result["channels"] = step.layout.sizes[2];
  } else {
    result["tokens"] = step.layout.sizes[0];
  }
  if (contest.kept >= 0) result["kept"] = contest.kept;
  if (request.count) {
    const Json arithmetic = measure::count_step(step), peak = measure::peak_gflops();
    const double rate = arithmetic["flop"].get<double>() / seconds / 1e9;
    result["flop"] = arithmetic["flop"];
    result["bytes"] = arithmetic["bytes"];
    result["gflops"] = rate;
    result["peak_gflops"] = peak;
    for (const char* type : {"fp32", "bf16"}) result["share_of_peak"][type] = rate / peak[type].get<double>();
  }
  if (!contest.them.empty()) result["peers"] = peers(contest);
  return result;
}

Json bench_part(const BenchRequest& request) {
  const int64_t side = request.side > 0 ? request.side : 32, channels = request.channels > 0 ? request.channels : 3;
  Json result = {{"benchmark", request.what}};
  if (request.what == "peak") {
    at::set_num_threads(request.threads > 0 ? static_cast<int>(request.threads) : usable_threads());
    result["threads"] = at::get_num_threads();
    result["gflops"] = measure::peak_gflops();
    return result;
  }
  const auto compare = [&](const Json& rates, std::initializer_list<const char*> policies) {
    result["examples_per_second_and_core"] = rates;
    if (request.peer.empty()) return;
    const std::string text = output_of({request.python, request.peer, request.what});
    for (const char* policy : policies) {
      const double rate = printed(text.substr(text.find(policy)), "images/s/core", request.peer);
      result["peer_examples_per_second_and_core"][policy] = rate;
      result["ratio"][policy] = rates.at(policy).get<double>() / rate;
    }
  };
  if (request.what == "sounds") {
    compare(measure::sound_rates(), {"plain", "masked"});
    return result;
  }
  result["side"] = side;
  result["channels"] = channels;
  if (request.what == "augment") {
    compare(measure::augment_rates(side, channels), {"weak", "strong"});
  } else if (request.what == "loader") {
    const auto workers = request.threads > 0 ? static_cast<int>(request.threads) : usable_threads();
    result["workers"] = Json::array();
    for (int count = 1; count <= workers; ++count)
      result["workers"].push_back(measure::loader_rates(side, channels, count));
  } else {
    for (const char* net : {"cnn", "wrn_28_2", "resnet18"})
      result[net] = measure::checkpoint_times(net, side, channels);
  }
  return result;
}

}  // namespace

Json bench(const BenchRequest& request) {
  for (const std::string& mode : request.modes)
    if (!peer_modes().contains(mode))
      throw Error(ErrorKind::usage, "--modes", fmt::format("unknown mode '{}'", mode),
                  "use default, raised, tuned, channels_last and best");
  tune_allocator();
  const bool part = std::find(kParts.begin(), kParts.end(), request.what) != kParts.end();
  Json result = part ? bench_part(request) : bench_step(request);
  result["machine"] = machine_facts();
  return result;
}

}  // namespace fewlabel
