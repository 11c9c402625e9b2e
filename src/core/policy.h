// The grammar of policy strings: steps joined by '+', each `name` or `name(value, key=value, …)`.
#pragma once
#include <string>
#include <vector>

#include "fewlabel/random.h"

namespace fewlabel::augment {

struct Range {
  double low = 0, high = 0;
  double draw(Random& random) const { return low == high ? low : random.uniform(low, high); }
};

/// The values given to one step. A step asks for its parameters in order; the first one may be given without its key.
/// All throw Error{usage} that names the step.
class Arguments {
 public:
  struct Given {
    std::string key, value;  // an empty key: the first parameter
  };
  Arguments(std::string step, std::vector<Given> given);

  const std::string& step() const { return step_; }
  double number(const std::string& key, double default_value, Range allowed);
  int64_t integer(const std::string& key, int64_t default_value, int64_t low, int64_t high);
  /// `0.2` is fixed, `0.2..1` is drawn between.
  Range range(const std::string& key, Range default_value, Range allowed);
  std::string word(const std::string& key, const std::string& default_value);
  /// Refuses keys that no one asked for, with the nearest that were.
  void finish() const;
  [[noreturn]] void refuse(const std::string& key, const std::string& value, const std::string& wanted) const;

 private:
  const std::string* take(const std::string& key);
  double parse_number(const std::string& key, const std::string& text, Range allowed) const;

  std::string step_;
  std::vector<Given> given_;
  std::vector<std::string> asked_;
};

/// Splits a policy into its steps; "none" and the empty policy have none. Throws Error{usage}.
std::vector<Arguments> parse_policy(const std::string& policy);

}  // namespace fewlabel::augment
