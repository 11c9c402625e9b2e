#include "methods/common/decoding.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace fewlabel {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_sum(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

/// Probabilities of all paths that say one prefix: those that end in a blank, and the others.
struct Paths {
  double blank = kNever, symbol = kNever;
  double all() const { return log_sum(blank, symbol); }
};

}  // namespace

Decoded decode_greedily(const Emissions& emissions) {
  Decoded result;
  int64_t before = 0;
  for (int64_t frame = 0; frame < emissions.frames; ++frame) {
    int64_t best = 0;
    for (int64_t symbol = 1; symbol < emissions.symbols; ++symbol)
      if (emissions.at(frame, symbol) > emissions.at(frame, best)) best = symbol;
    result.log_probability += double{emissions.at(frame, best)};
    if (best != 0 && best != before) result.symbols.push_back(static_cast<int32_t>(best));
    before = best;
  }
  return result;
}

Decoded decode_by_beam(const Emissions& emissions, int64_t beam) {
  using Prefix = std::vector<int32_t>;
  std::vector<std::pair<Prefix, Paths>> kept = {{{}, {0, kNever}}};
  for (int64_t frame = 0; frame < emissions.frames; ++frame) {
    std::map<Prefix, Paths> next;
    for (const auto& [prefix, paths] : kept) {
      Paths& same = next[prefix];
      same.blank = log_sum(same.blank, paths.all() + double{emissions.at(frame, 0)});
      if (!prefix.empty())
        same.symbol = log_sum(same.symbol, paths.symbol + double{emissions.at(frame, prefix.back())});
      for (int32_t symbol = 1; symbol < emissions.symbols; ++symbol) {
        Prefix longer = prefix;
        longer.push_back(symbol);
        // The same symbol again is a new one behind a blank alone.
        const double from = !prefix.empty() && prefix.back() == symbol ? paths.blank : paths.all();
        if (from == kNever) continue;
        Paths& other = next[longer];
        other.symbol = log_sum(other.symbol, from + double{emissions.at(frame, symbol)});
      }
    }
    kept.assign(next.begin(), next.end());
    const auto likelier = [](const auto& a, const auto& b) { return a.second.all() > b.second.all(); };
    const auto most = std::min(kept.size(), static_cast<std::size_t>(std::max<int64_t>(beam, 1)));
    std::partial_sort(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(most), kept.end(), likelier);
    kept.resize(most);
  }
  return {kept.front().first, kept.front().second.all()};
}

}  // namespace fewlabel
