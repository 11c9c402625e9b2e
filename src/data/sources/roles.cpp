#include "data/sources/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/text.h"
#include "data/byte_file.h"

namespace fewlabel {
namespace {

constexpr std::array<std::pair<std::string_view, Role>, 16> kWords = {{{"train", Role::train},
                                                                       {"training", Role::train},
                                                                       {"learn", Role::train},
                                                                       {"val", Role::validation},
                                                                       {"valid", Role::validation},
                                                                       {"validation", Role::validation},
                                                                       {"dev", Role::validation},
                                                                       {"test", Role::test},
                                                                       {"testing", Role::test},
                                                                       {"eval", Role::test},
                                                                       {"evaluation", Role::test},
                                                                       {"holdout", Role::test},
                                                                       {"t10k", Role::test},
                                                                       {"unlabeled", Role::unlabeled},
                                                                       {"unlabelled", Role::unlabeled},
                                                                       {"unsup", Role::unlabeled}}};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

/// In lower case.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : lower(name)) {
    if (is_letter_or_digit(c))
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

std::string_view to_string(Role role) {
  constexpr std::array<std::string_view, 4> kNames = {"train", "test", "validation", "unlabeled"};
  return kNames.at(static_cast<std::size_t>(role));
}

std::optional<Role> role_of_word(std::string_view word) {
  const std::string plain = lower(word);
  const auto find = [](std::string_view text) -> std::optional<Role> {
    for (const auto& [name, role] : kWords)
      if (text == name) return role;
    return {};
  };
  if (const auto role = find(plain)) return role;
  return find(std::string_view(plain).substr(0, plain.find_last_not_of("0123456789") + 1));
}

std::vector<Role> roles_in_name(std::string_view name) {
  std::vector<Role> roles;
  for (const std::string& word : words_of(name))
    if (const auto role = role_of_word(word); role && std::find(roles.begin(), roles.end(), *role) == roles.end())
      roles.push_back(*role);
  if (std::find(roles.begin(), roles.end(), Role::unlabeled) != roles.end()) std::erase(roles, Role::train);
  return roles;
}

std::optional<Role> role_in_name(const std::string& where, std::string_view name) {
  const std::vector<Role> roles = roles_in_name(name);
  if (roles.size() > 1)
    throw_data(where,
               fmt::format("by its name it is of the {} and of the {} set", to_string(roles[0]), to_string(roles[1])),
               "rename it so that one is left, or give the files one by one: data=… data.test=… data.validation=…");
  return roles.empty() ? std::nullopt : std::optional(roles[0]);
}

std::string without_roles(std::string_view name) {
  std::vector<std::string> words = words_of(name);
  std::erase_if(words, [](const std::string& word) { return role_of_word(word).has_value(); });
  return join(words, "-");
}

}  // namespace fewlabel
