#include "core/user_folder.h"

#include <cstdlib>

namespace fewlabel {

namespace fs = std::filesystem;

fs::path user_folder(const std::string& variable, const fs::path& below_home) {
  const auto said = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value ? value : "");
  };
  fs::path base = said(variable.c_str());
  if (!base.is_absolute()) base = said("HOME").empty() ? fs::path() : said("HOME") / below_home;
  return base.is_absolute() ? base / "fewlabel" : fs::path();
}

}  // namespace fewlabel
