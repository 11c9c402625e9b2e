#include "data/sources/collection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_map>

#include "core/text.h"
#include "data/sources/encoding.h"
#include "data/sources/fields.h"
#include "data/suffixes.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLargest = int64_t{2} << 30;
constexpr std::size_t kMostColumns = 100'000;
constexpr std::size_t kSampledRows = 256, kSampledFields = 1'000'000;

std::string at_line(const std::string& where, int64_t line) { return fmt::format("{}, line {}", where, line); }

std::string field(const Row& row, std::size_t column) {
  return column < row.fields.size() ? row.fields[column] : std::string();
}

std::string name_of(const Columns& columns, std::size_t column) {
  return columns.names.empty() ? fmt::format("column {}", column + 1) : printable(columns.names[column]);
}

bool is_odd(const Row& row, std::size_t column) {
  return std::find(row.odd.begin(), row.odd.end(), column) != row.odd.end();
}

std::string wrong_width(const Row& row, std::size_t width) {
  if (row.fields.size() == width) return {};
  return fmt::format("{} columns where the first line has {}", row.fields.size(), width);
}

void skip_header(RowReader& reader, const Columns& columns) {
  Row header;
  if (columns.header) reader.next(header);
}

/// By its byte order mark.
bool is_utf16(const fs::path& path) {
  const ByteFile file(path);
  if (file.size() < 2) return false;
  uint8_t mark[2] = {};
  file.read_at(0, mark);
  return (mark[0] == 0xff && mark[1] == 0xfe) || (mark[0] == 0xfe && mark[1] == 0xff);
}

/// A semicolon where programs for whom the comma is a decimal point have written the table: the first line has no
/// comma, and the first rows are of two columns or more, all alike.
char separator_of(std::string_view text, const std::string& where) {
  constexpr int kLooked = 20;
  const std::string_view first = text.substr(0, text.find('\n'));
  if (first.find(',') != std::string_view::npos || first.find(';') == std::string_view::npos) return ',';
  const auto reader = separated_rows(text, ';', where, Quotes::keep);
  std::size_t width = 0;
  Row row;
  for (int i = 0; i < kLooked && reader->next(row); ++i) {
    if (width != 0 && row.fields.size() != width) return ',';
    width = row.fields.size();
  }
  return width > 1 ? ';' : ',';
}

constexpr const char* kQuoteHint = "a comma inside a field needs quotes around the field";

}  // namespace

Collection::Collection(const OpenRequest& request)
    : request_(request), wanted_(request.classes.begin(), request.classes.end()) {}

void Collection::add_table(const fs::path& file, Role role) {
  begin_file(file);
  const std::string suffix = lower(file.extension().string());
  const Format format = suffix == ".tsv" ? Format::tab : suffix == ".csv" ? Format::comma : Format::json;
  add_rows(file, role, read_text(file, kLargest, request_.options.encoding), format);
}

void Collection::add_rows(const fs::path& file, Role role, std::string_view text, Format format) {
  const char separator = format == Format::tab ? '\t' : format == Format::comma ? separator_of(text, where_) : ',';
  const auto open = [&](Quotes quotes) {
    if (format == Format::json) return json_rows(text);
    return separated_rows(text, separator, where_, quotes);
  };
  auto reader = open(Quotes::keep);
  TableSample sample{reader->columns(), {}};
  std::size_t fields = 0;  // a row may have thousands
  for (Row row; sample.rows.size() < kSampledRows && fields < kSampledFields && reader->next(row);) {
    fields += row.fields.size();
    sample.rows.push_back(row);
  }
  if (sample.rows.empty()) return;
  if (const std::size_t width = sample.rows[0].fields.size(); width > kMostColumns)
    throw_data(where_, fmt::format("has {} columns, more than {}", width, kMostColumns));
  const Columns columns = columns_of(sample, {where_, file.parent_path(), request_.options, role == Role::unlabeled});
  last_width_ = sample.names.empty() ? sample.rows[0].fields.size() : sample.names.size();
  sample.rows.clear();
  if (columns.content == Columns::Content::files) {
    // The names of files are bytes: what they would be in another encoding is anybody's guess.
    if (request_.options.encoding.empty() && is_utf16(file))
      throw_data(where_, "lists files and is UTF-16", "save it as UTF-8, or say so: data.encoding=utf-16");
    check_utf8(text, where_);
    reader = open(Quotes::refuse);
    return add_files(*reader, columns, role);
  }
  notes_.push_back(fmt::format("{}: {}{}", file.filename().string(), describe_columns(columns),
                               columns.guessed ? " (found by looking)" : ""));
  reader = open(Quotes::keep);
  if (columns.content == Columns::Content::texts)
    add_texts(*reader, columns, role);
  else
    add_numbers(*reader, columns, role);
  if (const auto [count, line] = reader->bare_quotes(); count > 0)
    notes_.push_back(fmt::format("{}: {} that open nothing are taken as they stand, the first in line {}",
                                 file.filename().string(), count == 1 ? "1 quote" : fmt::format("{} quotes", count),
                                 line));
}

/// As in the table before where that is built alike: what was found by looking must not differ between them.
Columns Collection::columns_of(const TableSample& sample, const ColumnsRequest& request) {
  const bool json = !sample.names.empty();
  const std::vector<std::string>& first = json ? sample.names : sample.rows[0].fields;
  const bool named = last_.header || json;
  if (first.empty() || last_width_ != first.size() || (named ? last_.names != first : !last_.names.empty()))
    last_ = find_columns(sample, request);
  return last_;
}

Role Collection::role_of_row(const Row& row, const Columns& columns, Role role) const {
  if (columns.split == kNoColumn || role != Role::train) return role;
  const std::string text = trim(field(row, columns.split));
  if (text.empty()) return role;
  if (const auto own = role_of_word(text)) return *own;
  throw_data(at_line(where_, row.line),
             fmt::format("split '{}' is neither train nor test nor validation", printable(text.substr(0, 80))));
}

Collection::Split& Collection::split_of(Role role) {
  return splits_[role == Role::test ? 1 : role == Role::validation ? 2 : 0];
}

int32_t Collection::label_of(Split& split, Role role, const std::string& text, int64_t line) {
  if (role == Role::unlabeled || text.empty()) return kUnlabeled;
  if (is_missing(text) && !wanted_.contains(text)) {
    ++missing_[text];
    return kUnlabeled;
  }
  return split.labels.add(text, where_, line);
}

void Collection::begin_file(const fs::path& file) {
  where_ = file.string();
  if (first_.empty()) first_ = where_;
  for (Split& split : splits_) {
    if (split.files.root.empty()) split.files.root = file.parent_path();
    split.texts.files.emplace_back(file.filename().string(), split.texts.size());
    split.numbers.files.emplace_back(file.filename().string(), split.numbers.size());
  }
}

Span Collection::span_of(const Row& row, const Columns& columns) const {
  const auto seconds = [&](std::size_t column) {
    const std::string text = trim(field(row, column));
    if (column == kNoColumn || text.empty() || (is_missing(text) && text != "-1")) return 0.0;
    float value = 0;
    if (!parse_number(text, value) || !(value >= 0) || !std::isfinite(value))
      throw_data(at_line(where_, row.line), fmt::format("{} is '{}'; wanted seconds from 0 on",
                                                        name_of(columns, column), printable(text.substr(0, 80))));
    return double{value};
  };
  Span span{seconds(columns.begin), seconds(columns.end)};
  if (const double duration = seconds(columns.duration); duration > 0) span.end = span.begin + duration;
  if (span.end > 0 && span.end <= span.begin)
    throw_data(at_line(where_, row.line), fmt::format("ends at {:g} seconds and begins at {:g}", span.end, span.begin));
  return span;
}

void Collection::add_files(RowReader& reader, const Columns& columns, Role role) {
  std::unordered_map<std::string, int64_t> seen;
  skip_header(reader, columns);
  for (Row row; reader.next(row);) {
    const std::string place = at_line(where_, row.line);
    if (!row.fault.empty()) throw_data(place, row.fault);
    if (const std::string reason = wrong_width(row, last_width_); !reason.empty())
      throw_data(where_, fmt::format("line {}: {}", row.line, reason), kQuoteHint);
    for (const std::size_t column : {columns.values[0], columns.label, columns.split})
      if (is_odd(row, column))
        throw_data(place, fmt::format("'{}' must be a text, a whole number or null", name_of(columns, column)));
    const std::string& path = row.fields[columns.values[0]];
    if (path.empty()) throw_data(place, "names no file");
    const Span span = span_of(row, columns);
    const auto [first, fresh] = seen.try_emplace(path + span.fragment(), row.line);
    if (!fresh)
      throw_data(place, fmt::format("'{}' is listed twice, first in line {}", first->first, first->second),
                 "keep one line for each example");
    const Role mine = role_of_row(row, columns, role);
    Split& split = split_of(mine);
    split.files.paths.add(path);
    // Of several tables some may have no times, or no transcripts: what comes before and after counts for whole files,
    // and for untranscribed ones.
    auto& spans = split.files.spans;
    if (columns.begin != kNoColumn || columns.end != kNoColumn || !spans.empty()) {
      spans.resize(static_cast<std::size_t>(split.files.paths.size() - 1));
      spans.push_back(span);
    }
    if (columns.transcript != kNoColumn || split.files.transcripts.size() > 0) {
      while (split.files.transcripts.size() < split.files.paths.size() - 1) split.files.transcripts.add("");
      // Unlike a class, a transcript is never spelled as missing: "no" and "none" are things that people say.
      const bool silent = mine == Role::unlabeled || columns.transcript == kNoColumn;
      const std::string said = silent ? "" : trim(field(row, columns.transcript));
      split.files.transcripts.add(said);
      split.files.labels.push_back(said.empty() ? kUnlabeled : 0);
      continue;
    }
    split.files.labels.push_back(label_of(split, mine, field(row, columns.label), row.line));
  }
}

void Collection::add_texts(RowReader& reader, const Columns& columns, Role role) {
  skip_header(reader, columns);
  int64_t rows = 0, first_faulty = 0;
  std::map<int64_t, std::string> faults;
  std::string text;
  for (Row row; reader.next(row); ++rows) {
    std::string fault = row.fault.empty() ? wrong_width(row, last_width_) : row.fault;
    text.clear();
    for (const std::size_t column : columns.values) {
      if (!fault.empty()) break;
      if (is_odd(row, column)) fault = fmt::format("'{}' must be a text", name_of(columns, column));
      const std::string& part = row.fields[column];
      if (!text.empty() && !part.empty()) text += '\n';
      text += part;
    }
    if (fault.empty() && is_odd(row, columns.label))
      fault = fmt::format("'{}' must be a text, a whole number or null", name_of(columns, columns.label));
    const Role mine = fault.empty() ? role_of_row(row, columns, role) : role;
    Split& split = split_of(mine);
    // Of a row with too many or too few columns nobody knows which is the label.
    const int32_t label = fault.empty() ? label_of(split, mine, field(row, columns.label), row.line) : kUnlabeled;
    if (!fault.empty() && faults.empty()) first_faulty = row.line;
    if (!fault.empty()) faults.emplace(rows, fault);
    split.texts.add(text, label, row.line, std::move(fault));
  }
  refuse_if_mostly_faulty(faults, rows, first_faulty);
}

void Collection::refuse_if_mostly_faulty(const std::map<int64_t, std::string>& faults, int64_t rows,
                                         int64_t first_line) const {
  if (static_cast<int64_t>(faults.size()) * 2 <= rows) return;
  throw_data(where_,
             fmt::format("line {}: {} ({} of {} rows cannot be used)", first_line, faults.begin()->second,
                         with_commas(static_cast<int64_t>(faults.size())), with_commas(rows)),
             kQuoteHint);
}

void Collection::add_numbers(RowReader& reader, const Columns& columns, Role role) {
  skip_header(reader, columns);
  int64_t rows = 0, first_faulty = 0;
  std::map<int64_t, std::string> faults;
  std::vector<float> numbers(columns.values.size());
  for (Row row; reader.next(row); ++rows) {
    std::string fault = row.fault.empty() ? wrong_width(row, last_width_) : row.fault;
    for (std::size_t k = 0; k < numbers.size() && fault.empty(); ++k) {
      const std::string& part = row.fields[columns.values[k]];
      if (is_odd(row, columns.values[k]) || !parse_number(part, numbers[k]))
        fault = fmt::format("{} holds '{}', which is no number", name_of(columns, columns.values[k]),
                            printable(part.substr(0, 80)));
    }
    const Role mine = fault.empty() ? role_of_row(row, columns, role) : role;
    Split& split = split_of(mine);
    const bool known = row.fault.empty() && row.fields.size() == last_width_ && !is_odd(row, columns.label);
    const int32_t label = known ? label_of(split, mine, field(row, columns.label), row.line) : kUnlabeled;
    if (!fault.empty() && faults.empty()) first_faulty = row.line;
    if (!fault.empty()) faults.emplace(rows, fault);
    const auto width = static_cast<int32_t>(numbers.size());
    if (split.numbers.columns != 0 && split.numbers.columns != width)
      throw_data(where_,
                 fmt::format("has {} columns of numbers where another file has {}", width, split.numbers.columns));
    split.numbers.columns = width;
    split.numbers.values.insert(split.numbers.values.end(), numbers.begin(), numbers.end());
    split.numbers.add(label, row.line, std::move(fault));
  }
  refuse_if_mostly_faulty(faults, rows, first_faulty);
}

void Collection::add_lines(const fs::path& file, Role role) {
  begin_file(file);
  const std::string text = read_text(file, kLargest, request_.options.encoding);
  // A test set may be too short to show its form.
  const bool judged = role == Role::test || role == Role::validation;
  const LineFormat format = judged && last_lines_ ? *last_lines_ : find_line_format(text, role == Role::unlabeled);
  last_lines_ = format;
  const std::string name = file.filename().string();
  if (format == LineFormat::table) {
    last_width_ = 0;
    return add_rows(file, role, text, Format::tab);
  }
  notes_.push_back(fmt::format("{}: {}", name, describe(format)));
  read_lines(text, format, [&](const LabeledLine& line) {
    Split& split = split_of(role);
    const int32_t label = line.fault.empty() ? label_of(split, role, line.label, line.number) : kUnlabeled;
    split.texts.add(line.text, label, line.number, line.fault);
  });
}

Kind Collection::one_kind() {
  int64_t files = 0, texts = 0, numbers = 0;
  std::array<int64_t, std::size(kAllKinds)> of_kind{};
  for (const Split& split : splits_) {
    files += split.files.paths.size();
    texts += split.texts.size();
    numbers += split.numbers.size();
    for (int64_t i = 0; i < split.files.paths.size(); ++i)
      ++of_kind[static_cast<std::size_t>(kind_of_file(split.files.paths[i]).value_or(Kind::image))];
  }
  if (files + texts + numbers == 0)
    throw_data(first_, last_.content == Columns::Content::files && !is_lines_file(first_) ? "lists no file"
                                                                                          : "holds no example");
  if ((files > 0) + (texts > 0) + (numbers > 0) > 1)
    throw_data(first_,
               fmt::format("the files beside each other hold different things: {} paths of files, {} texts, {} "
                           "rows of numbers",
                           files, texts, numbers),
               "give the path of the one that is meant");
  if (texts > 0) return Kind::text;
  if (numbers > 0) return Kind::table;
  for (const Kind kind : {Kind::text, Kind::audio})
    if (of_kind[static_cast<std::size_t>(kind)] * 2 > files) return kind;
  return Kind::image;
}

std::shared_ptr<const Source> Collection::source_of(Split& split, Kind kind, const std::vector<std::string>& classes) {
  if (split.texts.size() > 0) return make_text_source(std::move(split.texts), classes);
  if (split.numbers.size() > 0) return make_number_source(std::move(split.numbers), classes);
  split.files.kind = kind;
  split.files.encoding = request_.options.encoding;
  return std::make_shared<FileListSource>(std::move(split.files), classes);
}

/// Rows of tables beside each other have them in a column of the same name, or the unlabelled ones in none.
Opened Collection::transcripts(Split& train, Split& test, Split& validation) {
  need_no_classes(request_);
  const auto source = [&](Split& split) -> std::shared_ptr<const Source> {
    if (split.size() == 0) return nullptr;
    return source_of(split, Kind::audio, {kTranscribed});
  };
  return {source(train), source(test), source(validation), std::move(notes_)};
}

Opened Collection::finish() {
  const Kind kind = one_kind();
  auto& [train, test, validation] = splits_;
  // Rows of one purpose alone are what is asked for: data.test=test.csv, whose rows say so.
  if (train.size() == 0) std::swap(train, test.size() > 0 ? test : validation);
  const bool transcribed = train.files.transcripts.size() > 0;
  if (transcribed) return transcripts(train, test, validation);
  const ClassMap map = map_classes(train.labels, request_.classes, NumberLabels::may_be_indices);
  const int32_t columns = train.numbers.columns;
  const auto finish_one = [&](Split& split) -> std::shared_ptr<const Source> {
    if (split.size() == 0) return nullptr;
    // A test set says what classes there are where the training set has no label.
    const ClassMap mine = &split == &train ? map : map_classes(split.labels, map.classes, NumberLabels::may_be_indices);
    for (auto* labels : {&split.files.labels, &split.texts.labels, &split.numbers.labels})
      for (int32_t& label : *labels) label = mine(label);
    if (split.numbers.columns != columns)
      throw_data(first_, fmt::format("the {} set has {} columns of numbers, the training set {}",
                                     &split == &test ? "test" : "validation", split.numbers.columns, columns));
    return source_of(split, kind, mine.classes);
  };
  for (const auto& [spelling, count] : missing_)
    notes_.push_back(fmt::format("{} labels '{}' count as missing; classes=… with it in the list makes it a class",
                                 with_commas(count), printable(spelling)));
  Opened opened;
  opened.test = finish_one(test);
  opened.validation = finish_one(validation);
  opened.train = finish_one(train);
  opened.notes = std::move(notes_);
  return opened;
}

}  // namespace fewlabel
