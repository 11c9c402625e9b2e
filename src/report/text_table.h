// Tables of text in columns that line up.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace fewlabel {

using Rows = std::vector<std::vector<std::string>>;

/// Columns as wide as they need, two spaces apart. When that is more than `most` (0: never), the widest cells lose
/// their middle, but first cells stay as distinct as they are whole, for which a line may become longer.
std::string cut_table(const Rows& rows, std::size_t most);

/// The same without losing anything: cells are folded between words (a word wider than its column at a sign, else
/// anywhere), and columns that do not fit beside the first follow below it in blocks of their own. The first row is the
/// head of every block. 0: one block, nothing folded.
std::string folded_table(const Rows& rows, std::size_t width);

/// One cell in lines of at most `width` columns.
std::vector<std::string> folded_cell(const std::string& text, std::size_t width);

}  // namespace fewlabel
