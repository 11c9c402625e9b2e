#include "eval/feature_bank.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/hash.h"
#include "core/json_text.h"
#include "core/work.h"
#include "encoders/encoders.h"
#include "eval/classify.h"
#include "eval/layout_json.h"
#include "eval/learnt.h"
#include "train/device.h"
#include "train/module_state.h"

namespace fewlabel {
namespace {

constexpr int kVersion = 1;                        // goes up when a net makes other features of the same weights
constexpr int64_t kPiece = 512;                    // examples that are kept together
constexpr int64_t kInMemory = int64_t{512} << 20;  // bytes
constexpr int64_t kOnDisk = int64_t{4} << 30;

void add_tensor(Hasher& hasher, const Tensor& tensor) {
  const Tensor plain = tensor.detach().cpu().contiguous();
  hasher.add(plain.data_ptr(), plain.nbytes());
}

/// What is taken of ONNX files, and how they follow each other. Not where they lie: a run has its own copy.
Json links_json(const std::string& place) {
  Json all = Json::array();
  if (place.empty() || !std::filesystem::exists(place)) return all;
  for (const GraphLink& link : read_graph_links(place))
    all.push_back(
        {link.output, link.one_by_one, link.input_scale, link.output_scale, link.output_shift, link.window, link.hop});
  return all;
}

std::string key_of(const FeatureBank::Question& question, const ExampleStore& store,
                   const std::vector<int64_t>& indices) {
  Hasher hasher;
  Json layout = layout_json(question.rule.layout);
  layout.update({{"mean", question.rule.mean},
                 {"deviation", question.rule.deviation},
                 {"net", question.hash},
                 {"version", kVersion}});
  const std::string text = json_text(layout);
  hasher.add(text.data(), text.size());
  for (const int64_t index : indices) {
    const std::string content = content_of(store, index);
    hasher.add(content.data(), content.size());
  }
  return hasher.hex();
}

}  // namespace

std::string backbone_hash(const NetModule& net) {
  Hasher hasher;
  // The same weights see something else with other heads, another activation or another pooling. What is only done in
  // training or behind the features is left out.
  NetConfig config = net.blueprint().config;
  const NetConfig plain;
  config.dropout = plain.dropout;
  config.inner_dropout = plain.inner_dropout;
  config.bn_momentum = plain.bn_momentum;
  config.head = plain.head;
  const Json links = links_json(config.graph);
  config.graph = plain.graph;
  Json described;
  write_config(described, config);
  described["links"] = links;
  const std::string text = json_text(described);
  hasher.add(text.data(), text.size());
  for (const auto& [name, tensor] : state_of(net)) {
    if (name.starts_with("head.")) continue;
    hasher.add(name.c_str(), name.size() + 1);
    add_tensor(hasher, tensor);
  }
  return hasher.hex();
}

Tensor places_in(const std::vector<int64_t>& sorted, const std::vector<int64_t>& indices) {
  std::vector<int64_t> place;
  place.reserve(indices.size());
  for (const int64_t index : indices)
    place.push_back(std::lower_bound(sorted.begin(), sorted.end(), index) - sorted.begin());
  return torch::tensor(place, torch::kLong);
}

std::filesystem::path default_feature_folder() { return cache_folder("features"); }

FeatureBank::FeatureBank() : FeatureBank(default_feature_folder(), kOnDisk) {}

FeatureBank::FeatureBank(std::filesystem::path folder, int64_t limit)
    : cache_(folder, limit), on_disk_(!folder.empty() && limit > 0) {}

Tensor FeatureBank::piece(const Question& question, const ExampleStore& store, const std::vector<int64_t>& indices) {
  const std::string key = key_of(question, store, indices);
  if (const auto found = kept_.find(key); found != kept_.end()) return found->second;
  const auto count = static_cast<int64_t>(indices.size()), size = question.net->feature_size();
  const int64_t bytes = count * size * static_cast<int64_t>(sizeof(float));
  Tensor rows;
  if (on_disk_) {
    if (const auto read = cache_.load(key, bytes)) {
      rows = torch::empty({count, size}, torch::kFloat);
      std::memcpy(rows.data_ptr(), read->pixels.data(), static_cast<std::size_t>(bytes));
    }
  }
  if (!rows.defined()) {
    const torch::Device device = device_of(*question.net);
    rows =
        logits_of([&](const Tensor& x) { return question.net->features(x.to(device)); }, store, indices, question.rule)
            .contiguous();
    if (on_disk_) {
      const auto* first = reinterpret_cast<const uint8_t*>(rows.data_ptr<float>());
      cache_.store(key, {{first, first + bytes}, {}});
    }
  }
  if (kept_bytes_ + bytes > kInMemory) {
    kept_.clear();
    kept_bytes_ = 0;
  }
  kept_bytes_ += bytes;
  return kept_[key] = rows;
}

Tensor FeatureBank::rows(const Question& question, const ExampleStore& store, const std::vector<int64_t>& indices) {
  const EvaluationScope evaluating(*question.net);
  if (indices.empty()) return torch::empty({0, question.net->feature_size()}, torch::kFloat);
  // In one order whatever the pools are, so that the same examples make the same pieces.
  std::vector<int64_t> sorted = indices;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  Work work("embedding examples", static_cast<int64_t>(sorted.size()));
  std::vector<Tensor> pieces;
  for (std::size_t first = 0; first < sorted.size(); first += kPiece) {
    const std::size_t last = std::min(sorted.size(), first + kPiece);
    pieces.push_back(piece(
        question, store,
        {sorted.begin() + static_cast<std::ptrdiff_t>(first), sorted.begin() + static_cast<std::ptrdiff_t>(last)}));
    work.advance(static_cast<int64_t>(last - first));
  }
  const Tensor all = torch::cat(pieces);
  if (sorted == indices) return all;
  return all.index_select(0, places_in(sorted, indices));
}

}  // namespace fewlabel
