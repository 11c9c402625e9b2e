#include "core/policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "core/text.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel::augment {
namespace {

constexpr const char* kWhere = "augment";
constexpr std::size_t kMaxPolicy = 4096;

std::string range_text(Range range) { return fmt::format("{:g} to {:g}", range.low, range.high); }

Arguments parse_step(const std::string& text, const std::string& policy) {
  const auto broken = [&](const std::string& why) {
    throw Error(ErrorKind::usage, kWhere, fmt::format("the policy '{}' has {}", policy, why),
                "write steps as name or name(key=value, ...), joined by '+'");
  };
  const std::size_t open = text.find('(');
  const std::string name = trim(text.substr(0, open));
  if (name.empty()) broken("an empty step");
  std::vector<Arguments::Given> given;
  if (open != std::string::npos) {
    if (text.back() != ')') broken(fmt::format("no ')' at the end of '{}'", text));
    const std::string inside = text.substr(open + 1, text.size() - open - 2);
    if (inside.find_first_of("()") != std::string::npos) broken(fmt::format("too many brackets in '{}'", text));
    if (!trim(inside).empty()) {
      for (const std::string& part : split_text(inside, ',')) {
        const std::size_t equals = part.find('=');
        const bool keyed = equals != std::string::npos;
        given.push_back({keyed ? trim(part.substr(0, equals)) : "", trim(keyed ? part.substr(equals + 1) : part)});
        if (given.back().value.empty() || (keyed && given.back().key.empty())) {
          broken(fmt::format("an empty value in '{}'", text));
        }
        if (!keyed && given.size() > 1) broken(fmt::format("no key before '{}'", given.back().value));
      }
    }
  } else if (text.find(')') != std::string::npos) {
    broken(fmt::format("no '(' in '{}'", text));
  }
  return Arguments(name, std::move(given));
}

}  // namespace

Arguments::Arguments(std::string step, std::vector<Given> given) : step_(std::move(step)), given_(std::move(given)) {
  for (std::size_t i = 0; i < given_.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (given_[i].key == given_[j].key) refuse(given_[i].key, given_[i].value, "each key once");
    }
  }
}

void Arguments::refuse(const std::string& key, const std::string& value, const std::string& wanted) const {
  throw Error(ErrorKind::usage, kWhere, fmt::format("{}: {} = {} is not {}", step_, key, value, wanted),
              fmt::format("give {} a value that is {}", key, wanted));
}

const std::string* Arguments::take(const std::string& key) {
  asked_.push_back(key);
  const bool first = asked_.size() == 1;
  const std::string* found = nullptr;
  for (const Given& given : given_) {
    if (given.key != key && !(first && given.key.empty())) continue;
    if (found) refuse(key, given.value, "given once");
    found = &given.value;
  }
  return found;
}

double Arguments::parse_number(const std::string& key, const std::string& text, Range allowed) const {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool read = error == std::errc() && end == text.data() + text.size();
  if (!read || !(value >= allowed.low && value <= allowed.high)) {
    refuse(key, text, "a number from " + range_text(allowed));
  }
  return value;
}

double Arguments::number(const std::string& key, double default_value, Range allowed) {
  const std::string* text = take(key);
  return text ? parse_number(key, *text, allowed) : default_value;
}

int64_t Arguments::integer(const std::string& key, int64_t default_value, int64_t low, int64_t high) {
  const std::string* text = take(key);
  if (!text) return default_value;
  const Range allowed{static_cast<double>(low), static_cast<double>(high)};
  const double value = parse_number(key, *text, allowed);
  if (value != std::floor(value)) refuse(key, *text, "a whole number from " + range_text(allowed));
  return static_cast<int64_t>(value);
}

Range Arguments::range(const std::string& key, Range default_value, Range allowed) {
  const std::string* text = take(key);
  if (!text) return default_value;
  const std::size_t dots = text->find("..");
  if (dots == std::string::npos) {
    const double value = parse_number(key, *text, allowed);
    return {value, value};
  }
  const Range range{parse_number(key, trim(text->substr(0, dots)), allowed),
                    parse_number(key, trim(text->substr(dots + 2)), allowed)};
  if (range.low > range.high) refuse(key, *text, "a range from low to high");
  return range;
}

std::string Arguments::word(const std::string& key, const std::string& default_value) {
  const std::string* text = take(key);
  return text ? *text : default_value;
}

void Arguments::finish() const {
  for (const Given& given : given_) {
    if (given.key.empty() && !asked_.empty()) continue;
    if (std::find(asked_.begin(), asked_.end(), given.key) != asked_.end()) continue;
    const std::string what = given.key.empty() ? "no value" : fmt::format("no key '{}'", given.key);
    throw Error(ErrorKind::usage, kWhere, fmt::format("the step '{}' has {}", step_, what),
                suggestion(given.key, asked_));
  }
}

std::vector<Arguments> parse_policy(const std::string& policy) {
  if (policy.size() > kMaxPolicy) {
    throw Error(ErrorKind::usage, kWhere, fmt::format("the policy is longer than {} characters", kMaxPolicy),
                "write fewer steps");
  }
  std::vector<Arguments> steps;
  const std::string text = trim(policy);
  if (text.empty()) return steps;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size()) {
      depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
      if (text[i] != '+' || depth > 0) continue;  // "1e+3" inside brackets is a number
    }
    const std::string step = trim(text.substr(begin, i - begin));
    begin = i + 1;
    if (step != "none") steps.push_back(parse_step(step, policy));
  }
  return steps;
}

}  // namespace fewlabel::augment
