#include "data/sources/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/text.h"
#include "data/byte_file.h"
#include "data/sources/fields.h"
#include "data/suffixes.h"
#include "fewlabel/config.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

using Names = std::vector<std::string>;

/// Texts that belong together, then single ones; the first that is there is taken.
const std::vector<Names>& text_names() {
  static const std::vector<Names> names = {{"premise", "hypothesis"},
                                           {"sentence1", "sentence2"},
                                           {"question1", "question2"},
                                           {"text1", "text2"},
                                           {"title", "body"},
                                           {"title", "text"},
                                           {"title", "content"},
                                           {"title", "description"},
                                           {"title", "abstract"},
                                           {"title", "review"},
                                           {"headline", "body"},
                                           {"text"},
                                           {"sentence"},
                                           {"question"},
                                           {"content"},
                                           {"document"},
                                           {"review"},
                                           {"message"},
                                           {"tweet"},
                                           {"comment"},
                                           {"utterance"},
                                           {"headline"},
                                           {"body"},
                                           {"description"},
                                           {"abstract"},
                                           {"query"},
                                           {"title"}};
  return names;
}
const Names kPath = {"path",           "file",       "filename", "file_name", "image",
                     "image_path",     "file_path",  "filepath", "img",       "image_name",
                     "img_path",       "image_file", "audio",    "wav",       "audio_path",
                     "audio_filepath", "audio_file", "wav_path", "recording"};
// Of a part of a recording, in seconds.
const Names kBegin = {"start", "begin", "start_time", "onset", "offset", "start_s", "start_seconds"};
const Names kEnd = {"end", "stop", "end_time", "end_s", "end_seconds"};
// What is said in a recording.
const Names kTranscript = {"transcript", "transcription", "text", "sentence", "words", "utterance", "normalized_text"};
const Names kDuration = {"duration", "length_seconds"};
const Names kPathIfFiles = {"id", "image_id", "img_id", "name"};  // where its values name files that exist
const Names kLabel = {"label",   "class",   "category", "target",  "intent", "topic",  "sentiment",
                      "y",       "labels",  "cls",      "emotion", "genre",  "stance", "polarity",
                      "species", "outcome", "rating",   "stars",   "tag"};
const Names kFileLabel = {"label", "class", "category", "labels", "cls", "species", "breed", "diagnosis"};
const Names kFileTarget = {"target", "y"};                                      // which may be a number to come near
const Names kAskable = {"path", "text", "label", "split", "transcript"};        // by data.columns
const Names kBeside = {"", "id", "idx", "index", "uid", "guid", "unnamed:_0"};  // never what an example holds

std::string plain(std::string_view name) {
  std::string result = lower(trim(name));
  for (char& c : result)
    if (c == ' ' || c == '-') c = '_';
  return result;
}

std::size_t find_name(const Names& names, const std::string& wanted) {
  const auto found = std::find(names.begin(), names.end(), wanted);
  return found == names.end() ? kNoColumn : static_cast<std::size_t>(found - names.begin());
}

std::size_t find_any(const Names& names, const Names& wanted) {
  for (const std::string& name : wanted)
    if (const std::size_t column = find_name(names, name); column != kNoColumn) return column;
  return kNoColumn;
}

std::vector<std::size_t> find_texts(const Names& names) {
  for (const Names& group : text_names()) {
    std::vector<std::size_t> columns;
    for (const std::string& name : group)
      if (const std::size_t column = find_name(names, name); column != kNoColumn) columns.push_back(column);
    if (columns.size() == group.size()) return columns;
  }
  return {};
}

bool contains(const std::vector<std::size_t>& columns, std::size_t column) {
  return std::find(columns.begin(), columns.end(), column) != columns.end();
}

/// Has spaces inside, or is of a script that is written without them.
bool is_wordy(std::string_view text) {
  if (text.find(' ') != std::string_view::npos) return true;
  const auto high = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
  return text.size() >= 9 && static_cast<std::size_t>(high) * 2 > text.size();
}

/// What the rows of a sample show of one column.
struct Look {
  std::size_t rows = 0, numbers = 0, files = 0, wordy = 0, distinct = 0, characters = 0;
  bool mostly(std::size_t count) const { return rows > 0 && count * 2 > rows; }
  double length() const { return rows == 0 ? 0 : static_cast<double>(characters) / static_cast<double>(rows); }
  bool all_numbers() const { return rows > 0 && numbers == rows; }
  /// Values that come again, as those of a class do. Of a handful of rows nothing can be said.
  bool repeats() const { return rows > 0 && (distinct * 2 <= rows || rows < 8); }
};

class Looker {
 public:
  Looker(const TableSample& sample, const ColumnsRequest& request) : sample_(sample), request_(request) {
    Names first = sample.names;
    if (first.empty() && !sample.rows.empty()) first = sample.rows[0].fields;
    width_ = first.size();  // rows of another width are none
    found_.names = first;
    for (const std::string& name : first) names_.push_back(plain(name));
    found_.header = sample.names.empty();
  }

  Columns find() {
    ask();
    Columns columns = find_content();
    if (asked_.label != kNoColumn) {
      columns.label = asked_.label;
      std::erase(columns.values, asked_.label);
    }
    if (asked_.split != kNoColumn) columns.split = asked_.split;
    return columns;
  }

 private:
  struct Asked {
    std::size_t path = kNoColumn, label = kNoColumn, split = kNoColumn, transcript = kNoColumn;
    std::vector<std::size_t> texts;
  };

  Columns find_content() {
    if (width_ == 0) throw_data(request_.where, sample_.rows.empty() ? "lists no file" : fault_of_first());
    const auto kind = request_.options.kind;
    std::size_t path = find_any(names_, kPath);
    if (path == kNoColumn)
      if (const std::size_t other = find_any(names_, kPathIfFiles); other != kNoColumn && files_exist(other))
        path = other;
    std::vector<std::size_t> texts = find_texts(names_);
    if (found_.split == kNoColumn) found_.split = find_name(names_, "split");
    if (asked_.path != kNoColumn) return take_files(asked_.path);
    if (!asked_.texts.empty()) return take_texts(asked_.texts);
    const bool files =
        path != kNoColumn && (texts.empty() || (kind && holds_file(*kind)) || (!kind && files_exist(path)));
    if (files && kind != Kind::table) return take_files(path);
    if (!texts.empty() && (!kind || kind == Kind::text)) return take_texts(std::move(texts));
    return look();
  }

  std::string fault_of_first() const { return fmt::format("line {}: {}", sample_.rows[0].line, sample_.rows[0].fault); }

  /// What data.columns and data.text say.
  void ask() {
    const DataOptions& options = request_.options;
    bool by_number = false;
    if (!trim(options.text).empty())
      for (const auto& part : split_text(options.text, ','))
        asked_.texts.push_back(column_of(trim(part), "data.text", by_number));
    if (!trim(options.columns).empty())
      for (const auto& part : split_text(options.columns, ',')) {
        const auto colon = part.find(':');
        const std::string role = trim(part.substr(0, colon));
        if (colon == std::string::npos || find_name(kAskable, role) == kNoColumn)
          throw Error(
              ErrorKind::usage, "data.columns",
              fmt::format("'{}' is not understood; it names what is in a column: {}", trim(part), join(kAskable, ", ")),
              "for example data.columns=path:img,label:breed");
        const std::size_t column = column_of(trim(part.substr(colon + 1)), "data.columns", by_number);
        if (role == "text")
          asked_.texts.push_back(column);
        else
          (role == "path"         ? asked_.path
           : role == "label"      ? asked_.label
           : role == "transcript" ? asked_.transcript
                                  : asked_.split) = column;
      }
    // A column that is found by its number may be one without a name.
    if (by_number && sample_.names.empty()) {
      const auto known = [&](const Names& names) { return find_any(names_, names) != kNoColumn; };
      found_.header = known(kLabel) || known(kPath) || !find_texts(names_).empty();
      if (!found_.header) forget_names();
    }
    found_.split = asked_.split;
  }

  std::size_t column_of(const std::string& name, const char* option, bool& by_number) const {
    std::size_t column = find_name(found_.names, name);
    if (column == kNoColumn) column = find_name(names_, plain(name));
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (column == kNoColumn && error == std::errc() && end == name.data() + name.size() && number >= 1 &&
        number <= width_) {
      column = number - 1;
      by_number = true;
    }
    if (column == kNoColumn)
      throw_data(request_.where,
                 fmt::format("has no column '{}', which {} names; it has: {}", name, option,
                             printable(join(found_.names, ", ").substr(0, 400))),
                 suggestion(name, found_.names));
    return column;
  }

  void forget_names() {
    found_.header = false;
    found_.names.clear();
    names_.assign(names_.size(), "");
    found_.split = kNoColumn;
  }

  /// A field of the first row.
  std::string first(std::size_t column) const {
    const bool there = !sample_.rows.empty() && column < sample_.rows[0].fields.size();
    return there ? sample_.rows[0].fields[column] : "";
  }

  bool exists(const std::string& file) const {
    std::error_code ignored;
    return !file.empty() && file.size() < 4096 && file.find('\0') == std::string::npos &&
           fs::is_regular_file(request_.folder / file, ignored);
  }

  bool files_exist(std::size_t column) const {
    int there = 0, looked = 0;
    for (std::size_t r = sample_.names.empty() && sample_.rows.size() > 1 ? 1 : 0;
         r < sample_.rows.size() && looked < 20; ++r, ++looked)
      if (column < sample_.rows[r].fields.size() && exists(sample_.rows[r].fields[column])) ++there;
    return there * 2 > looked;
  }

  Columns take_files(std::size_t path) {
    found_.content = Columns::Content::files;
    found_.values = {path};
    find_times(path);
    if (find_transcript(path)) return found_;
    found_.label = file_label();
    if (found_.label == kNoColumn) refuse_unknown([&](std::size_t) { return true; });
    return found_;
  }

  bool lists_sounds(std::size_t path) const {
    return std::any_of(sample_.rows.begin(), sample_.rows.end(), [&](const Row& row) {
      return path < row.fields.size() && kind_of_file(row.fields[path]) == Kind::audio;
    });
  }

  /// Beside recordings: what is said in them, where it is asked for or nothing else could be a label.
  bool find_transcript(std::size_t path) {
    const std::string& target = request_.options.target;
    if (asked_.transcript != kNoColumn)
      found_.transcript = asked_.transcript;
    else if (target != "class" && lists_sounds(path) && asked_.label == kNoColumn &&
             (target == "transcript" || file_label() == kNoColumn))
      found_.transcript = find_any(names_, kTranscript);
    if (found_.transcript == kNoColumn && target == "transcript" && !request_.unlabeled)
      throw_data(request_.where,
                 fmt::format("none of the columns is called transcript (columns: {})",
                             printable(join(found_.names, ", ").substr(0, 300))),
                 "say which holds what is said: data.columns=transcript:COLUMN");
    return found_.transcript != kNoColumn;
  }

  /// Beside recordings: which part of them is meant.
  void find_times(std::size_t path) {
    if (!lists_sounds(path)) return;
    found_.begin = find_any(names_, kBegin);
    found_.end = find_any(names_, kEnd);
    if (found_.end == kNoColumn) found_.duration = find_any(names_, kDuration);
    // The length of the whole file says nothing of a part.
    if (found_.begin == kNoColumn) found_.duration = kNoColumn;
  }

  /// Beside paths a target may be a number to come near, a box or a mask; classes come again.
  std::size_t file_label() const {
    if (const std::size_t column = find_any(names_, kFileLabel); column != kNoColumn) return column;
    const std::size_t target = find_any(names_, kFileTarget);
    if (target == kNoColumn) return kNoColumn;
    const Look look = look_at(target);  // of a handful of rows nothing can be said
    return look.rows >= 8 && look.repeats() ? target : kNoColumn;
  }

  Columns take_texts(std::vector<std::size_t> columns) {
    found_.content = Columns::Content::texts;
    found_.values = std::move(columns);
    const bool named = found_.header || !sample_.names.empty();
    if (named && found_.label == kNoColumn) {
      Names others = names_;
      for (const std::size_t column : found_.values) others[column].clear();
      found_.label = find_any(others, kLabel);
      if (found_.label == kNoColumn) refuse_unknown([&](std::size_t column) { return look_at(column).repeats(); });
    } else if (found_.label == kNoColumn) {
      found_.label = label_by_looking();
    }
    return found_;
  }

  /// A column with the labels under a name that we do not know must not make every example unlabelled.
  template <typename Like>
  void refuse_unknown(Like&& like_labels) const {
    if (request_.unlabeled || asked_.label != kNoColumn) return;
    for (std::size_t c = 0; c < names_.size(); ++c)
      if (!contains(found_.values, c) && c != found_.split && !is_time(c) &&
          find_name(kBeside, names_[c]) == kNoColumn && find_name(kPath, names_[c]) == kNoColumn && like_labels(c))
        throw_data(request_.where,
                   fmt::format("{}none of the columns is called label, and '{}' is not known (columns: {})",
                               found_.header ? fmt::format("line {}: ", sample_.rows[0].line) : "",
                               printable(found_.names[c]), printable(join(found_.names, ", ").substr(0, 300))),
                   fmt::format("say which holds the classes, data.columns=label:{}, or remove the column",
                               printable(found_.names[c])));
  }

  bool is_time(std::size_t column) const {
    return column == found_.begin || column == found_.end || column == found_.duration ||
           (find_any({names_[column]}, kDuration) != kNoColumn && found_.content == Columns::Content::files);
  }

  Look look_at(std::size_t column, bool with_first = false) const {
    Look look;
    std::set<std::string_view> seen;
    // The first row may name the columns.
    const bool skip = sample_.names.empty() && !with_first && sample_.rows.size() > 1;
    for (std::size_t r = skip ? 1 : 0; r < sample_.rows.size(); ++r) {
      const Row& row = sample_.rows[r];
      if (column >= row.fields.size() || row.fields[column].empty()) continue;
      const std::string& field = row.fields[column];
      float number = 0;
      ++look.rows;
      look.characters += field.size();
      look.numbers += parse_number(field, number) ? 1 : 0;
      look.files += field.size() < 1000 && kind_of_file(field) ? 1 : 0;
      look.wordy += is_wordy(field) ? 1 : 0;
      seen.insert(field);
    }
    look.distinct = seen.size();
    return look;
  }

  /// The column with the fewest values that come again. `most`: those of a header count as values otherwise.
  std::size_t label_by_looking() const {
    std::size_t best = kNoColumn, fewest = SIZE_MAX;
    for (std::size_t c = 0; c < width_; ++c) {
      if (contains(found_.values, c) || c == found_.split) continue;
      const Look look = look_at(c, true);
      const bool beside_one_text = width_ == 2 && !look.all_numbers();
      if ((look.repeats() || beside_one_text) && look.distinct < fewest) best = c, fewest = look.distinct;
    }
    return best;
  }

  Columns look() {
    const auto kind = request_.options.kind;
    found_.guessed = true;
    std::vector<Look> looks;
    for (std::size_t c = 0; c < width_; ++c) looks.push_back(look_at(c));
    if (kind != Kind::text && kind != Kind::table)
      for (std::size_t c = 0; c < width_; ++c)
        if (looks[c].mostly(looks[c].files)) return look_files(c);
    if (kind == Kind::table || (!kind && are_numbers(looks))) return look_numbers(looks);
    if (!kind || !holds_file(*kind)) {
      auto texts = wordy_columns(looks);
      if (kind == Kind::text && texts.empty()) texts = {longest(looks)};
      if (!texts.empty()) return look_texts(std::move(texts), looks);
    }
    // A list without names: paths, which may be wrong ones, and labels.
    if ((kind && holds_file(*kind)) || files_exist(0)) return look_files(0);
    throw_data(request_.where,
               fmt::format("nothing tells which of its {} columns holds texts, paths of files or numbers", width_),
               "name the columns in a first row, text or path, and label; or say them: data.columns=text:1,label:2");
  }

  Columns look_files(std::size_t path) {
    found_.content = Columns::Content::files;
    found_.values = {path};
    found_.label = file_label();
    // Without names the columns are path and label; a first row without a path in it names them.
    const bool first_is_path = sample_.names.empty() && (kind_of_file(first(path)) || exists(first(path)));
    if (sample_.names.empty() && (first_is_path || found_.label == kNoColumn)) {
      const bool named = !first_is_path && sample_.rows.size() > 1 && looks_like_file_column(path);
      forget_names();
      found_.header = named;
      found_.label = width_ > 1 ? (path == 0 ? 1 : 0) : kNoColumn;
    }
    return found_;
  }
  bool looks_like_file_column(std::size_t column) const {
    const Look look = look_at(column);
    return look.mostly(look.files);
  }
  /// All columns are numbers, but for one with few values and those that are beside the matter.
  bool are_numbers(const std::vector<Look>& looks) const {
    const std::size_t label = find_any(names_, kLabel);
    std::size_t numbers = 0, others = 0;
    for (std::size_t c = 0; c < looks.size(); ++c) {
      if (c == label || c == found_.split || find_name(kBeside, names_[c]) != kNoColumn) continue;
      if (looks[c].all_numbers())
        ++numbers;
      else if (looks[c].rows > 0 && (label != kNoColumn || !looks[c].repeats() || ++others > 1))
        return false;
    }
    return numbers >= 2 || (numbers == 1 && label != kNoColumn && others == 0);
  }

  Columns look_numbers(const std::vector<Look>& looks) {
    found_.content = Columns::Content::numbers;
    float number = 0;
    bool named = false;  // a word above a column of numbers
    for (std::size_t c = 0; c < looks.size() && sample_.names.empty(); ++c)
      if (looks[c].all_numbers() && !parse_number(first(c), number)) named = true;
    if (sample_.names.empty() && !named) forget_names();
    found_.header = named;
    found_.label = find_any(names_, kLabel);
    for (std::size_t c = 0; c < looks.size(); ++c) {
      const bool beside = !names_[c].empty() && find_name(kBeside, names_[c]) != kNoColumn;
      if (c == found_.label || c == found_.split || beside || (named && names_[c].empty())) continue;
      if (looks[c].all_numbers() || looks[c].rows == 0)
        found_.values.push_back(c);
      else if (found_.label == kNoColumn)
        found_.label = c;
    }
    if (found_.values.empty())
      throw_data(request_.where, "holds no column of numbers", "remove data.kind=table, or see docs/data.md");
    return found_;
  }

  std::vector<std::size_t> wordy_columns(const std::vector<Look>& looks) const {
    std::vector<std::size_t> columns;
    for (std::size_t c = 0; c < looks.size(); ++c)
      if (looks[c].mostly(looks[c].wordy) && looks[c].length() >= 12 && (looks[c].distinct * 2 > looks[c].rows))
        columns.push_back(c);
    return columns;
  }

  std::size_t longest(const std::vector<Look>& looks) const {
    std::size_t best = 0;
    for (std::size_t c = 1; c < looks.size(); ++c)
      if (looks[c].length() > looks[best].length()) best = c;
    return best;
  }

  Columns look_texts(std::vector<std::size_t> texts, const std::vector<Look>& looks) {
    const std::size_t main = *std::max_element(texts.begin(), texts.end(), [&](std::size_t a, std::size_t b) {
      return looks[a].length() < looks[b].length();
    });
    // A name is one word where the texts are many.
    const bool named = sample_.names.empty() && sample_.rows.size() > 1 && width_ > 1 && !first(main).empty() &&
                       !is_wordy(first(main)) && first(main).size() <= 32 && looks[main].wordy == looks[main].rows;
    if (sample_.names.empty() && !named) {
      forget_names();
    } else {
      texts.assign(1, main);  // what is beside it has a name of its own: an author, a date
    }
    return take_texts(std::move(texts));
  }

  const TableSample& sample_;
  const ColumnsRequest& request_;
  std::size_t width_ = 0;
  Names names_;  // as they are compared
  Asked asked_;
  Columns found_;
};

}  // namespace

Columns find_columns(const TableSample& sample, const ColumnsRequest& request) {
  return Looker(sample, request).find();
}

std::string describe_columns(const Columns& columns) {
  const auto name = [&](std::size_t column) {
    return columns.names.empty() ? fmt::format("column {}", column + 1) : printable(columns.names[column]);
  };
  std::vector<std::string> values;
  for (const std::size_t column : columns.values) values.push_back(name(column));
  std::string text = columns.content == Columns::Content::texts ? "texts from " + join(values, " and ")
                     : columns.content == Columns::Content::numbers
                         ? fmt::format("{} columns of numbers", values.size())
                         : "files from " + join(values, ", ");
  if (columns.transcript != kNoColumn) return text + ", transcripts from " + name(columns.transcript);
  return text + (columns.label == kNoColumn ? ", no labels" : ", labels from " + name(columns.label));
}

}  // namespace fewlabel
