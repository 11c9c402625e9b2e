#include "hub/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

constexpr std::size_t kLongest = 96;  // of a name on the hub
constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

}  // namespace

bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 2 * kLongest && name.find_first_not_of(kLetters) == std::string_view::npos &&
         std::string_view("._-").find(name.front()) == std::string_view::npos &&
         name.find("..") == std::string_view::npos;
}

void check_repository(const std::string& repository) {
  const auto parts = split_text(repository, '/');
  const bool sound = parts.size() == 2 && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
                       return is_plain_file_name(part) && part.size() <= kLongest;
                     });
  if (!sound)
    throw Error(ErrorKind::usage, "encoders get",
                fmt::format("'{}' is no name of a model: wanted ORG/NAME", printable(repository)),
                "as the hub shows it: sentence-transformers/all-MiniLM-L6-v2");
}

void check_revision(const std::string& revision) {
  const auto parts = split_text(revision, '/');
  if (revision.size() > 2 * kLongest || !std::all_of(parts.begin(), parts.end(), is_plain_file_name))
    throw Error(ErrorKind::usage, "encoders get",
                fmt::format("--revision '{}' is no branch, tag or commit", printable(revision)),
                "leave it out for main");
}

std::string percent_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view(kLetters).find(c) != std::string_view::npos)
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace fewlabel
