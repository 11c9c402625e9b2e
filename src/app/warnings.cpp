#include "app/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/text.h"
#include "report/statistics.h"

namespace fewlabel {
namespace {

using Counts = std::vector<int64_t>;

constexpr int64_t kEnough = 20;        // examples that a statement about shares needs
constexpr double kNearlyAll = 0.9;     // share of one class …
constexpr double kNoSurprise = 0.75;   // … which is none where it holds this part of that share anyway
constexpr double kExpectedTrue = 10;   // examples of a class that are there, of which none was called so
constexpr double kExpectedGuess = 20;  // the same where only the labels say that they should be there
constexpr double kApart = 0.3;         // distance between shares: half the sum of their differences, 0 to 1
constexpr double kLearnt = 0.75, kManyLearnt = 0.5;      // accuracy that labels should reach, few and many a class
constexpr int64_t kManyLabels = 100;                     // a class
constexpr double kLowBound = 0.0505, kHighBound = 19.8;  // of fit_temperature, with what its search leaves open
constexpr std::size_t kNamed = 4;                        // classes that a sentence names

int64_t total_of(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

double share_of(const Counts& counts, std::size_t c) {
  const int64_t total = total_of(counts);
  return total > 0 && c < counts.size() ? static_cast<double>(counts[c]) / static_cast<double>(total) : 0.0;
}

double distance(const Counts& a, const Counts& b) {
  double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) sum += std::abs(share_of(a, c) - share_of(b, c));
  return sum / 2;
}

/// By how much shares of so many labels may be off by the chance of their draw (95 %), where `shares` are the truth.
double chance(const Counts& shares, int64_t labels) {
  double sum = 0;
  for (std::size_t c = 0; c < shares.size(); ++c) {
    const double p = share_of(shares, c);
    sum += 1.96 * std::sqrt(p * (1 - p) / static_cast<double>(labels));
  }
  return sum / 2;
}

std::string percent(double share) {
  return share < 1 && share > 0.995 ? "over 99 %" : fmt::format("{:.0f} %", 100 * share);
}

std::string named(const Observed& seen, std::size_t c) { return fmt::format("'{}'", printable(seen.classes[c])); }

/// What was called: the judged examples, whose truth is known, else the unlabelled ones.
struct Calls {
  const Counts& called;
  const Counts& expected;  // the truth, else the labels
  bool truth;              // which of the two
  const char* what;        // "judged examples"
};

Calls calls_of(const Observed& seen) {
  if (total_of(seen.judged_called) > 0) return {seen.judged_called, seen.judged_true, true, "judged examples"};
  const bool known = total_of(seen.unlabelled_true) == total_of(seen.unlabelled) && !seen.unlabelled_true.empty();
  return {seen.unlabelled, known ? seen.unlabelled_true : seen.labels, known, "unlabelled examples"};
}

std::optional<Warning> one_class(const Observed& seen, const Calls& calls) {
  const int64_t total = total_of(calls.called);
  if (total < kEnough) return std::nullopt;
  const auto top =
      static_cast<std::size_t>(std::max_element(calls.called.begin(), calls.called.end()) - calls.called.begin());
  const double share = share_of(calls.called, top), expected = share_of(calls.expected, top);
  if (share < kNearlyAll || expected >= kNoSurprise * share) return std::nullopt;
  const std::string seen_text =
      fmt::format("{} of the {} are called {}, but {} of {} are.", percent(share), calls.what, named(seen, top),
                  percent(expected), calls.truth ? "them" : "the labelled ones");
  return Warning{"one_class", seen_text +
                                  (calls.truth ? " The model has learnt next to nothing else."
                                               : " The model may have learnt next to nothing else.") +
                                  " Train longer (`--minutes`), on smaller images (`data.size`), or look at the labels "
                                  "alone: `method=supervised`."};
}

std::optional<Warning> never_predicted(const Observed& seen, const Calls& calls) {
  const auto total = static_cast<double>(total_of(calls.called));
  std::vector<std::string> names;
  for (std::size_t c = 0; c < calls.called.size(); ++c)
    if (calls.called[c] == 0 && total * share_of(calls.expected, c) >= (calls.truth ? kExpectedTrue : kExpectedGuess))
      names.push_back(named(seen, c));
  if (names.empty()) return std::nullopt;
  const std::size_t count = names.size();
  const std::string which = count == 1 ? "that class" : "those classes";
  if (count > kNamed) names.resize(kNamed);
  std::string text =
      fmt::format("None of the {} {} is called {}{}", with_commas(static_cast<int64_t>(total)), calls.what,
                  join(names, " or "), count > kNamed ? fmt::format(" or any of {} more classes", count - kNamed) : "");
  text += calls.truth ? ", though many of them are." : ", though the labels know such.";
  text += fmt::format(
      " {} what sets {} apart. Label more such examples, and look at those there are: one wrong label "
      "among few does much.",
      calls.truth ? "The model cannot tell" : "Either there are none, or the model cannot tell", which);
  return Warning{"never_predicted", text};
}

std::optional<Warning> labels_not_learnt(const Observed& seen) {
  if (seen.labels_asked == 0) return std::nullopt;
  const auto classes = static_cast<int64_t>(std::max<std::size_t>(seen.classes.size(), 1));
  const bool many = total_of(seen.labels) > kManyLabels * classes;
  if (wilson_interval(seen.labels_right, seen.labels_asked).high >= (many ? kManyLearnt : kLearnt)) return std::nullopt;
  return Warning{"labels_not_learnt",
                 fmt::format("The model is right on only {} of the very examples whose labels it was given. It has not "
                             "learnt them: it was trained for too short a time, or labels contradict each other. Train "
                             "longer (`--minutes`), or on smaller images (`data.size`).",
                             percent(static_cast<double>(seen.labels_right) / static_cast<double>(seen.labels_asked)))};
}

std::optional<Warning> shares_apart(const Observed& seen) {
  const Counts& called = seen.unlabelled;
  if (total_of(called) < kEnough || total_of(seen.labels) == 0) return std::nullopt;
  if (distance(called, seen.labels) < kApart + chance(called, total_of(seen.labels))) return std::nullopt;
  // Where it is known what there is, only being far from that counts.
  for (const Counts* truth : {&seen.unlabelled_true, &seen.judged_true})
    if (total_of(*truth) >= kEnough && distance(called, *truth) < kApart) return std::nullopt;
  std::size_t worst = 0;
  for (std::size_t c = 1; c < called.size(); ++c)
    if (std::abs(share_of(called, c) - share_of(seen.labels, c)) >
        std::abs(share_of(called, worst) - share_of(seen.labels, worst)))
      worst = c;
  const bool known = total_of(seen.unlabelled_true) >= kEnough || total_of(seen.judged_true) >= kEnough;
  return Warning{
      "shares_apart",
      fmt::format("The model calls {} of the unlabelled examples {}, while {} of the labels are of that class. {}",
                  percent(share_of(called, worst)), named(seen, worst), percent(share_of(seen.labels, worst)),
                  known ? "In truth the classes are not so unequal: its own mistakes have taught it. Compare with the "
                          "labels alone (`baseline=supervised`), and add labels of the classes that it forgets."
                        : "Either the unlabelled examples are that unequal, or its own mistakes have taught it. Look "
                          "at what it calls so in the report; label some of these if they are something else.")};
}

std::optional<Warning> temperature_at_bound(const Observed& seen) {
  if (!seen.temperature) return std::nullopt;
  const double t = *seen.temperature;
  const bool high = t > kHighBound, low = t < kLowBound && seen.accuracy.value_or(0) < 1;  // all right: no bound to it
  if (!high && !low) return std::nullopt;
  return Warning{"temperature_at_bound",
                 fmt::format("The best temperature is the {} one that is tried ({:.3g}): {} Do not use its "
                             "probabilities.",
                             high ? "largest" : "smallest", t,
                             high ? "how sure the model is says nothing about whether it is right."
                                  : "its answers are far surer than the probabilities it gives them, as in a model "
                                    "that has hardly been trained.")};
}

}  // namespace

std::vector<Warning> warnings_of(const Observed& seen) {
  const Calls calls = calls_of(seen);
  std::vector<Warning> warnings;
  const auto add = [&](std::optional<Warning> warning) {
    if (warning) warnings.push_back(std::move(*warning));
    return !warnings.empty();
  };
  // Who calls everything the same has forgotten the other classes, and has shares unlike the labels': once is enough.
  if (!add(one_class(seen, calls))) {
    add(never_predicted(seen, calls));
    add(shares_apart(seen));
  }
  add(labels_not_learnt(seen));
  add(temperature_at_bound(seen));
  return warnings;
}

Json warnings_json(const std::vector<Warning>& warnings) {
  Json list = Json::array();
  for (const Warning& warning : warnings) list.push_back({{"kind", warning.kind}, {"sentence", warning.sentence}});
  return list;
}

}  // namespace fewlabel
