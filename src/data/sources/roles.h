// What names of files and folders say of their purpose, for every format.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel {

enum class Role { train, test, validation, unlabeled };
std::string_view to_string(Role role);
inline bool is_training(Role role) { return role == Role::train || role == Role::unlabeled; }

/// Of a name that is one word, in any case and perhaps with a number behind it: train, training, learn; val, valid,
/// validation, dev; test, testing, eval, evaluation, holdout, t10k; unlabeled, unlabelled, unsup. "val2014" is
/// validation, "value" says nothing.
std::optional<Role> role_of_word(std::string_view word);

/// What the words of a name say, each once, unlabelled training examples as unlabeled alone.
std::vector<Role> roles_in_name(std::string_view name);

/// By the words of a name, which are runs of letters and digits: "emnist-letters-test-images" is a test set. Throws
/// Error{data} at `where` for a name of several purposes ("train_test").
std::optional<Role> role_in_name(const std::string& where, std::string_view name);

/// The words of a name that say no role, joined by '-': what the files of one dataset have in common.
std::string without_roles(std::string_view name);

}  // namespace fewlabel
