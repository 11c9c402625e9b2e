// A net of texts that somebody trained before and saved as ONNX, as exporters of Hugging Face models name its parts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.h"
#include "fewlabel/error.h"
#include "nets/graph_parts.h"

namespace fewlabel {
namespace {

constexpr int64_t kInt32 = 6, kInt64 = 7;  // ONNX's numbers
constexpr const char *kIds = "input_ids", *kThere = "attention_mask", *kTypes = "token_type_ids";

/// x: ids N × T, ours. What the graph gives is N × D (a sentence's embedding) or N × T × D, of which the mean over what
/// is no padding or the first token is taken.
class TextGraph final : public NetModule {
 public:
  explicit TextGraph(const NetSpec& spec)
      : graph_(spec, 3, {"sentence_embedding"}), first_(spec.config.pool == "first") {
    register_module("encoder", graph_.module);
    // Beside the weights, since features that are kept are found again by what the net holds.
    register_buffer("first_token", torch::tensor(first_ ? 1 : 0, torch::kLong));
    check();
    theirs_ = register_buffer("token_ids", torch::zeros({spec.layout.vocabulary}, torch::kLong));
    lookup_ = graph_.module->lookup_of(kIds);
    const int64_t length = spec.layout.sizes.at(0);
    if (length_ > 0 && length > length_)
      throw Error(ErrorKind::usage, "data.length",
                  fmt::format("= {}: {} takes texts of {} tokens", length, graph_.module->name(), length_),
                  fmt::format("leave it out, or give no more than {}", length_));
    const torch::NoGradGuard no_gradient;
    try {
      size_ = features(torch::full({1, length}, int64_t{kUnknown})).size(1);
    } catch (const Error& error) {
      throw Error(error.kind(), error.where(), error.message(),
                  fmt::format("it was tried with {} tokens; if it has no places for so many: data.length={}", length,
                              std::min<int64_t>(length - 1, 128)));
    }
    head_ = register_module("head", Head(spec, size_));
  }

  Tensor embed(const Tensor& x) override {
    if (!lookup_.weight.defined())
      graph_.refuse("does not show by what tokens are embedded, so that texts cannot be moved or mixed",
                    "choose a method that only reads them");
    const Tensor there = x.ne(kPadding).unsqueeze(2).to(lookup_.weight.scalar_type());
    return torch::cat({torch::embedding(lookup_.weight, theirs_.index({x})) * there, there}, 2);
  }
  Tensor noise(const Tensor& embedded) override {
    const Tensor there = embedded.slice(2, embedded.size(2) - 1);
    const Tensor values = torch::randn_like(embedded.slice(2, 0, embedded.size(2) - 1)) * there.gt(0);
    return torch::cat({values, torch::zeros_like(there)}, 2);
  }

  Tensor features(const Tensor& x) override {
    const bool embedded = x.dim() == 3;
    Tensor weight = embedded ? x.select(2, x.size(2) - 1) : x.ne(kPadding).to(torch::kFloat);
    const int64_t length = wanted_length(weight);
    const auto fitted = [&](const Tensor& rows) {  // as long as the graph wants it, and no longer than it must be
      const Tensor shorter = rows.slice(1, 0, length);
      if (shorter.size(1) == length) return shorter;
      std::vector<int64_t> more = shorter.sizes().vec();
      more[1] = length - shorter.size(1);
      return torch::cat({shorter, torch::zeros(more, shorter.options())}, 1);
    };
    weight = fitted(weight.detach());
    const Tensor there = weight.gt(0);
    // Where texts come embedded, ids only say where there is padding.
    const Tensor ours = embedded ? there.to(torch::kLong) * int64_t{kUnknown} : fitted(x);
    std::map<std::string, Tensor> given = {
        {kIds, theirs_.index({ours})}, {kThere, there}, {kTypes, torch::zeros_like(ours)}};
    for (const onnx::OnnxValue& input : graph_.module->inputs())
      given[input.name] = given[input.name].to(input.type == kInt32 ? torch::kInt : torch::kLong);
    if (embedded) given[lookup_.value] = fitted(x.slice(2, 0, x.size(2) - 1));
    if (!one_by_one_) return pooled(graph_.module->answer(given), weight);
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < ours.size(0); ++i) {
      std::map<std::string, Tensor> one;
      for (const auto& [name, value] : given) one[name] = value.narrow(0, i, 1);
      rows.push_back(pooled(graph_.module->answer(one), weight.narrow(0, i, 1)));
    }
    return torch::cat(rows);
  }
  Tensor classify(const Tensor& features) override { return head_->forward(features); }
  int64_t feature_size() const override { return size_; }
  void write(const std::filesystem::path& folder) const override { graph_.write(folder); }

 private:
  void check() {
    bool has_ids = false;
    for (const onnx::OnnxValue& input : graph_.module->inputs()) {
      const bool known = input.name == kIds || input.name == kThere || input.name == kTypes;
      if (!known)
        graph_.refuse(fmt::format("has an input '{}', and known are {}, {} and {}", onnx::shown(input.name), kIds,
                                  kThere, kTypes),
                      "export the part of the net that needs no other");
      if (input.type != kInt32 && input.type != kInt64)
        graph_.refuse(fmt::format("takes '{}' of the type {}, and it is of whole numbers", input.name,
                                  onnx::onnx_type_name(input.type)),
                      "export it with ids of int64");
      if (input.ranked && input.sizes.size() != 2)
        graph_.refuse(fmt::format("takes '{}' of {}, and it is of N x T", input.name, sizes_text(input)),
                      "export it for batches of texts");
      has_ids = has_ids || input.name == kIds;
      one_by_one_ = takes_one(graph_, input) || one_by_one_;
      if (input.ranked && input.sizes[1] > 0) length_ = input.sizes[1];
    }
    if (!has_ids) graph_.refuse("has no input 'input_ids'", "export it as Hugging Face's models name them");
  }

  /// On a GPU the sizes of a recorded step must stay.
  int64_t wanted_length(const Tensor& weight) const {
    if (length_ > 0) return length_;
    if (!weight.is_cpu()) return weight.size(1);
    return std::max<int64_t>(weight.gt(0).sum(1).max().item<int64_t>(), 1);
  }

  /// weight: N × T, how much of a token is there.
  Tensor pooled(const Tensor& y, const Tensor& weight) const {
    const bool sound = y.is_floating_point() && y.size(0) == weight.size(0) &&
                       (y.dim() == 2 || (y.dim() == 3 && y.size(1) == weight.size(1)));
    if (!sound)
      graph_.refuse(fmt::format("gives '{}' of {} dimensions, and features are N x D or N x T x D",
                                onnx::shown(graph_.module->output().name), y.dim()),
                    "name another output in encoder.json");
    if (y.dim() == 2) return y;
    if (first_) return y.select(1, 0);
    const Tensor share = (weight / weight.sum(1, true).clamp_min(1e-30)).unsqueeze(2);
    return (y * share).sum(1);
  }

  SingleGraph graph_;
  bool first_, one_by_one_ = false;
  int64_t length_ = 0;  // tokens that it takes; 0: any
  Tensor theirs_;       // id of the encoder's tokenizer, of each of ours
  OnnxModuleImpl::Lookup lookup_;
  int64_t size_ = 0;
  Head head_{nullptr};
};

}  // namespace

Net make_text_graph(const NetSpec& spec) { return std::make_shared<TextGraph>(spec); }

}  // namespace fewlabel
