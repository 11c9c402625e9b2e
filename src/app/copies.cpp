#include "app/copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "core/cancel.h"
#include "core/text.h"
#include "core/work.h"
#include "eval/learnt.h"

namespace fewlabel {
namespace {

/// Labelled examples by their values.
struct Taught {
  int64_t index = 0;
  int32_t label = kUnlabeled;
  bool counted = false;  // as a group of several labels
};

class Copies {
 public:
  Copies(const PreparedData& data, int64_t most_bytes) : data_(data) {
    const bool all = data.train->size() <= most_bytes / std::max<int64_t>(1, data.train->layout().bytes());
    Work work("comparing examples", data.labeled.size() + (all ? data.unlabeled.size() : 0));
    for (std::size_t i = 0; i < data.labeled.index.size(); ++i, work.advance())
      add_labeled(data.labeled.index[i], data.labeled.label[i]);
    for (std::size_t i = 0; all && i < data.unlabeled.index.size(); ++i, work.advance())
      taught_.try_emplace(content_of(*data.train, data.unlabeled.index[i]), Taught{data.unlabeled.index[i]});
  }

  std::vector<std::string> sentences() const {
    std::vector<std::string> found;
    if (conflicts_ > 0)
      found.push_back(fmt::format("Equal examples have different labels in {} {}: {}.", with_commas(conflicts_),
                                  conflicts_ == 1 ? "case" : "cases", conflict_));
    if (data_.judge == Judge::test_set) add_shared(found, *data_.test, *data_.dataset.test, data_.judged, "test");
    if (data_.validation) add_shared(found, *data_.validation, *data_.validation_source, data_.validated, "validation");
    return found;
  }

 private:
  void add_labeled(int64_t index, int32_t label) {
    const auto [place, fresh] = taught_.try_emplace(content_of(*data_.train, index), Taught{index, label});
    Taught& first = place->second;
    if (fresh || label == kUnlabeled || first.label == label || first.counted) return;
    first.counted = true;
    const auto name = [&](int64_t i, int32_t c) {
      return fmt::format("{} ({})", printable(data_.dataset.train->name(i)),
                         printable(data_.dataset.classes[static_cast<std::size_t>(c)]));
    };
    if (conflicts_++ == 0) conflict_ = fmt::format("{} and {}", name(first.index, first.label), name(index, label));
  }

  void add_shared(std::vector<std::string>& found, const ExampleStore& store, const Source& source, const Pool& pool,
                  const char* set) const {
    int64_t count = 0;
    std::string first;
    for (const int64_t index : pool.index) {
      stop_if_cancelled("data");
      const auto place = taught_.find(content_of(store, index));
      if (place == taught_.end()) continue;
      if (count++ == 0)
        first = fmt::format("{} is {}", printable(source.name(index)),
                            printable(data_.dataset.train->name(place->second.index)));
    }
    if (count == 0) return;
    found.push_back(fmt::format("{} of {} {} examples also lie in the training set, which flatters the accuracy: {}{}.",
                                with_commas(count), with_commas(pool.size()), set, first,
                                count == 1 ? "" : " and so on"));
  }

  const PreparedData& data_;
  std::unordered_map<std::string, Taught> taught_;
  int64_t conflicts_ = 0;
  std::string conflict_;  // the first
};

}  // namespace

std::vector<std::string> describe_copies(const PreparedData& data, int64_t most_bytes) {
  return Copies(data, most_bytes).sentences();
}

}  // namespace fewlabel
