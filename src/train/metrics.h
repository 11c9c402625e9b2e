// Means of what a method logs between two records, in double and in order, so that a resumed run gives the same bits.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fewlabel/config.h"
#include "fewlabel/net.h"

namespace fewlabel {

class MetricMeans {
 public:
  /// A scalar, kept on its device until it is asked for.
  void add(std::string_view name, const Tensor& value);
  void add(std::string_view name, double value, double weight = 1);
  /// The mean of these records is the sum of `part` over the sum of `whole`, both scalars.
  void add_share(std::string_view name, const Tensor& part, const Tensor& whole);
  /// The means so far, then starts anew. A name without weight is left out.
  std::map<std::string, double> take();
  Json save();
  void load(const Json& saved);

 private:
  struct Sum {
    double value = 0, weight = 0;
    std::vector<Tensor> waiting;         // on a GPU
    std::vector<Tensor> waiting_weight;  // of those; empty: 1 each
  };
  void settle();
  std::map<std::string, Sum, std::less<>> sums_;
};

}  // namespace fewlabel
