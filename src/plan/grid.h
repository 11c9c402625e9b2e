// A grid of settings, as `fewlabel sweep` takes it: every combination of the values that keys are given.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace fewlabel {

/// One cell: its name, which is fit for a folder and unique in the grid, and the key=value of the keys that vary.
struct GridCell {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;
};

struct Grid {
  std::vector<std::string> fixed;  // key=value of keys with one value
  std::vector<GridCell> cells;     // the last key varies fastest; one cell where no key varies
};

/// The values of "a,b,c". A comma within brackets or quotes separates nothing, nor does one after a backslash; quotes
/// around a value that holds a comma, and such a backslash, are taken away.
std::vector<std::string> list_values(const std::string& text);

/// From key=value words. Throws Error{usage}: no key=value, an empty value in a list, a key that varies twice, more
/// than 1,000 cells.
Grid make_grid(const std::vector<std::string>& words);

}  // namespace fewlabel
