// Notices when the embeddings of a method collapse: the loss looks fine and nothing is learnt.
#pragma once
#include <algorithm>
#include <optional>
#include <string>

#include "fewlabel/method.h"

namespace fewlabel {

/// Hands everything on to another step, and notes how many directions the embeddings could use.
class WatchedStep final : public Step {
 public:
  explicit WatchedStep(Step& step) : step_(step) {}
  void minimize(const Tensor& loss, std::string_view group = "model") override { step_.minimize(loss, group); }
  void log(std::initializer_list<std::pair<std::string_view, Tensor>> values) override { step_.log(values); }
  void pseudo_labels(const Tensor& label, const Tensor& kept) override { step_.pseudo_labels(label, kept); }
  void embeddings(const Tensor& z) override {
    if (z.dim() == 2) directions_ = std::min(z.size(0), z.size(1));
    step_.embeddings(z);
  }
  /// min(N, D) of the last embeddings; 0 before there are any.
  int64_t directions() const { return directions_; }

 private:
  Step& step_;
  int64_t directions_ = 0;
};

/// What is known of the embeddings whenever metrics are recorded.
struct EmbeddingReading {
  int64_t step = 0;  // updates done
  double spread = 1, rank = 1;
  int64_t directions = 0;
};

/// Says once, after several low readings in a row, that the embeddings have collapsed: into a point (spread), or, of a
/// method that learns without labels, into a few directions (rank; with labels a direction a class is what is wanted).
/// Early in a run any method may have them close together, and some have them so until the rate has risen: readings
/// count after a tenth of the run or its warm-up, 200 updates at least, and while they do not rise.
class CollapseMonitor {
 public:
  /// steps: planned updates; warmup: share of them.
  CollapseMonitor(const Needs& needs, int64_t steps, double warmup);
  /// A sentence for the user, or nothing.
  std::optional<std::string> read(const EmbeddingReading& reading);

 private:
  /// Low readings in a row.
  struct Low {
    int64_t count = 0, since = 0;
    double first = 0;
    bool stays(bool low, double value, int64_t step);
  };

  bool compares_views_, learns_from_labels_, warned_ = false;
  int64_t judged_from_;
  Low spread_, rank_;
};

}  // namespace fewlabel
