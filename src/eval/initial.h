// Weights of a finished run that another training starts from (init=RUN).
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fewlabel/method.h"

namespace fewlabel {

struct InitialNet {
  Net net;
  std::vector<std::string> classes;  // of its head
  std::string origin, method, hash;  // what a person calls it, what trained it, and the hash of its weights
  std::filesystem::path model;       // folder that it was read from
};

/// The net that a method can hand on, `made_with` being the one that it was made with: a classifier's net, else the one
/// that an encoder names, else `made_with` where it learns that; null: none.
Net net_to_hand_on(Method& method, const Net& made_with);

/// From a run folder or its model/ folder.
/// Throws Error{usage} when the method keeps no such net, Error{storage} naming a damaged file.
InitialNet load_initial(const std::filesystem::path& run_or_model);

/// Copies the backbone, and the head where both have one for the same classes. Returns a sentence that says what was
/// taken over and what was not. Throws Error{usage} when the nets differ.
std::string take_over(NetModule& net, const std::vector<std::string>& classes, const InitialNet& from);

}  // namespace fewlabel
