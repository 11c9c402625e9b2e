// Class names: their natural order, and how the labels found in the data map to a list of classes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace fewlabel {

/// Class "10" comes after "9": runs of digits compare as numbers, the rest byte by byte.
bool natural_less(std::string_view a, std::string_view b);

/// "cat, dog" → {"cat", "dog"}. Throws Error{data} for an empty or a repeated name, or one that is not UTF-8.
std::vector<std::string> parse_classes(const std::string& text);
/// One class a line, from a file such as classes.txt; empty when there is no such file.
std::vector<std::string> read_class_file(const std::string& path);

/// What the folder of each class is called where classes are written as folders: its name, but for what no folder may
/// be called; all different.
std::vector<std::string> class_folders(const std::vector<std::string>& classes);

/// Collects label texts as they are met; the order of meeting gives provisional numbers.
class LabelTexts {
 public:
  /// kUnlabeled for an empty text.
  int32_t add(const std::string& text, const std::string& where);
  int32_t add(const std::string& text, const std::string& file, int64_t line);
  const std::vector<std::string>& texts() const { return texts_; }
  const std::string& first_seen(int32_t id) const { return where_[static_cast<std::size_t>(id)]; }

 private:
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<std::string> texts_, where_;
};

/// The classes, and for each provisional label number its class.
struct ClassMap {
  std::vector<std::string> classes;
  std::vector<int32_t> index;
  int32_t operator()(int32_t label) const { return label < 0 ? label : index[static_cast<std::size_t>(label)]; }
};

/// May the label "3" stand for the fourth class? Never where a class name is a number itself.
enum class NumberLabels { are_names, may_be_indices };

/// `wanted` empty: the labels found, in natural order. Otherwise each label must be one of the wanted names (or an
/// index of one) and UTF-8; throws Error{data}, naming the label and an example that bears it.
ClassMap map_classes(const LabelTexts& labels, const std::vector<std::string>& wanted, NumberLabels numbers);

/// The classes of labels that are numbers; `labels`, of all splits, become indices into them. `wanted` empty: the
/// numbers that occur, in order. A list of numbers is matched by number, any other by place from 0. Throws Error{data}
/// for a label that is not in the list.
std::vector<std::string> number_classes(const std::vector<std::vector<int32_t>*>& labels,
                                        const std::vector<std::string>& wanted, const std::string& where);

}  // namespace fewlabel
