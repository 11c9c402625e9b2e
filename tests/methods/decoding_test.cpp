#include "methods/common/decoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "fewlabel/random.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;

std::vector<float> random_emissions(int64_t frames, int64_t symbols, uint64_t seed) {
  Random random({.seed = seed, .purpose = "test"});
  std::vector<float> values;
  for (int64_t t = 0; t < frames; ++t) {
    std::vector<double> weights;
    double sum = 0;
    for (int64_t s = 0; s < symbols; ++s) sum += weights.emplace_back(std::exp(2 * random.normal()));
    for (const double weight : weights) values.push_back(static_cast<float>(std::log(weight / sum)));
  }
  return values;
}

/// All paths one by one.
std::map<std::vector<int32_t>, double> by_trying_all(const Emissions& emissions) {
  std::map<std::vector<int32_t>, double> sums;
  int64_t paths = 1;
  for (int64_t t = 0; t < emissions.frames; ++t) paths *= emissions.symbols;
  for (int64_t path = 0; path < paths; ++path) {
    std::vector<int32_t> said;
    double log_probability = 0;
    int64_t rest = path, before = 0;
    for (int64_t t = 0; t < emissions.frames; ++t, rest /= emissions.symbols) {
      const int64_t symbol = rest % emissions.symbols;
      log_probability += emissions.at(t, symbol);
      if (symbol != 0 && symbol != before) said.push_back(static_cast<int32_t>(symbol));
      before = symbol;
    }
    sums[said] += std::exp(log_probability);
  }
  return sums;
}

TEST(Decoding, a_wide_beam_finds_what_trying_all_paths_finds) {
  int unlike_greedy = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<float> values = random_emissions(6, 4, seed);
    const Emissions emissions{values, 6, 4};
    const auto sums = by_trying_all(emissions);
    const auto best =
        std::max_element(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const Decoded found = decode_by_beam(emissions, 1000);
    EXPECT_EQ(found.symbols, best->first) << seed;
    EXPECT_NEAR(found.log_probability, std::log(best->second), 1e-5) << seed;
    unlike_greedy += decode_greedily(emissions).symbols != best->first;
  }
  EXPECT_GT(unlike_greedy, 0);  // else a search would be for nothing
}

TEST(Decoding, takes_out_repetitions_and_blanks) {
  std::vector<float> values;
  for (const int best : {1, 1, 0, 1, 2, 2, 0, 0, 3})
    for (int symbol = 0; symbol < 4; ++symbol) values.push_back(symbol == best ? std::log(0.97F) : std::log(0.01F));
  const Emissions emissions{values, 9, 4};
  EXPECT_THAT(decode_greedily(emissions).symbols, ElementsAre(1, 1, 2, 3));
  EXPECT_THAT(decode_by_beam(emissions, 8).symbols, ElementsAre(1, 1, 2, 3));
  EXPECT_NEAR(decode_greedily(emissions).log_probability, 9 * std::log(0.97), 1e-4);
}

}  // namespace
}  // namespace fewlabel
