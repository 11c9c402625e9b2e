// Data folders of Kaldi: wav.scp (utterance or recording, file), segments (utterance, recording, begin, end) where an
// utterance is a part of a recording, and text (utterance, what is said), one a line, separated by blanks.
// https://kaldi-asr.org/doc/data_prep.html
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/cancel.h"
#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/encoding.h"
#include "data/sources/file_list.h"
#include "data/sources/roles.h"
#include "data/sources/table.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLargest = int64_t{2} << 30;
constexpr const char* kList = "wav.scp";

/// A name that is too long, or a link that leads to itself, is none.
bool is_file(const fs::path& path) {
  std::error_code unreachable;
  return fs::is_regular_file(path, unreachable);
}

std::string shown(const std::string& text) { return printable(text.substr(0, 80)); }

/// A line of such a file: a name, and the rest of the line.
struct Line {
  std::string name, rest;
  std::string where;
};

/// Calls `use` for each line that is not empty; no name comes twice. Throws Error{data}.
void read_lines_of(const fs::path& file, const DataOptions& options, const std::function<void(const Line&)>& use) {
  const std::string text = read_text(file, kLargest, options.encoding);
  check_utf8(text, file.string());
  std::unordered_map<std::string, int64_t> seen;
  int64_t number = 0;
  for (const auto& raw : split_text(text, '\n')) {
    if ((++number & 0xfff) == 0) stop_if_cancelled("data");
    const std::string line = trim(raw);
    if (line.empty()) continue;
    const std::size_t end = line.find_first_of(" \t");
    const Line found{line.substr(0, end), end == std::string::npos ? "" : trim(line.substr(end)),
                     fmt::format("{}, line {}", file.string(), number)};
    if (line.find('\0') != std::string::npos) throw_data(found.where, "holds a zero byte");
    const auto [first, fresh] = seen.try_emplace(found.name, number);
    if (!fresh)
      throw_data(found.where, fmt::format("'{}' is there twice, first in line {}", shown(found.name), first->second),
                 "keep one line for each name");
    use(found);
  }
}

/// Throws Error{data} for what is no file that can be read where it lies.
void check_file(const Line& line) {
  if (line.rest.empty()) throw_data(line.where, fmt::format("'{}' has no file", shown(line.name)));
  if (line.rest.ends_with("|") || line.rest.starts_with("|"))
    throw_data(line.where, fmt::format("'{}' comes from a command, and none is run", shown(line.name)),
               "write the recordings as WAV or FLAC, and list these files");
  const std::size_t colon = line.rest.rfind(':');
  if (colon != std::string::npos && lower(line.rest.substr(0, colon)).ends_with(".ark"))
    throw_data(line.where, fmt::format("'{}' lies inside an archive", shown(line.name)),
               "write the recordings as WAV or FLAC, and list these files");
}

double seconds_of(const Line& line, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw_data(line.where, fmt::format("'{}' is no time in seconds", shown(text)));
  return value;
}

struct Segment {
  std::string recording;
  Span span;
};

Segment segment_of(const Line& line) {
  std::vector<std::string> fields;
  for (const std::string& field : split_text(line.rest, ' '))
    for (const std::string& part : split_text(field, '\t'))
      if (!part.empty()) fields.push_back(part);
  if (fields.size() < 3 || fields.size() > 4)  // a fourth is a channel, of which `data.channel` says which is heard
    throw_data(line.where, fmt::format("{} fields; wanted utterance, recording, begin and end", fields.size() + 1));
  Segment segment{fields[0], {seconds_of(line, fields[1]), seconds_of(line, fields[2])}};
  auto& [begin, end] = segment.span;
  if (end == -1) end = 0;  // to the end of the recording
  if (begin < 0 || end < 0 || (end > 0 && end <= begin))
    throw_data(line.where, fmt::format("ends at {} seconds and begins at {}", fields[2], fields[1]));
  return segment;
}

/// The utterances of folders of one purpose, in the order in which they are listed.
class KaldiSplit {
 public:
  explicit KaldiSplit(const OpenRequest& request) : request_(request) {
    files_.kind = Kind::audio;
    files_.root = request.path;
  }

  /// role unlabeled: what is said in them is not looked at.
  void add(const fs::path& folder, Role role) {
    std::unordered_map<std::string, std::string> texts;
    if (role != Role::unlabeled && is_file(folder / "text"))
      read_lines_of(folder / "text", request_.options, [&](const Line& line) { texts.emplace(line.name, line.rest); });
    const std::size_t written = texts.size();
    const int64_t before = files_.paths.size();
    std::unordered_map<std::string, fs::path> recordings;
    const bool parts = is_file(folder / "segments");
    std::optional<fs::path> root;
    read_lines_of(folder / kList, request_.options, [&](const Line& line) {
      check_file(line);
      if (!root) root = root_of(folder, line.rest);
      if (parts)
        recordings.emplace(line.name, *root / line.rest);
      else
        add_utterance(line, *root / line.rest, {}, texts);
    });
    if (parts)
      read_lines_of(folder / "segments", request_.options, [&](const Line& line) {
        const Segment segment = segment_of(line);
        const auto recording = recordings.find(segment.recording);
        if (recording == recordings.end())
          throw_data(line.where, fmt::format("recording '{}' is not in {}", shown(segment.recording), kList));
        add_utterance(line, recording->second, segment.span, texts);
      });
    if (files_.paths.size() == before) throw_data((folder / kList).string(), "lists no recording");
    if (texts.empty()) return;
    std::vector<std::string> names;
    for (const auto& entry : texts) names.push_back(entry.first);
    notes_.push_back(fmt::format("{}: {} of {} lines belong to no recording, '{}' among them",
                                 (folder.filename() / "text").string(), texts.size(), written,
                                 shown(*std::min_element(names.begin(), names.end()))));
  }

  const LabelTexts& labels() const { return labels_; }
  const std::vector<std::string>& notes() const { return notes_; }
  /// null: labels are transcripts.
  std::shared_ptr<const Source> finish(const ClassMap* map) {
    if (files_.paths.size() == 0) return nullptr;
    if (!map) return std::make_shared<FileListSource>(std::move(files_), std::vector<std::string>{kTranscribed});
    for (int32_t& label : files_.labels) label = (*map)(label);
    return std::make_shared<FileListSource>(std::move(files_), map->classes);
  }

 private:
  /// What the paths of a folder start at. Kaldi's recipes are run from one folder and name files from there.
  fs::path root_of(const fs::path& folder, const std::string& first) const {
    if (!is_file(folder / first) && is_file(first)) return fs::current_path();
    return folder == request_.path ? fs::path() : folder.filename();
  }

  void add_utterance(const Line& line, const fs::path& path, const Span& span,
                     std::unordered_map<std::string, std::string>& texts) {
    files_.paths.add(path.string());
    files_.spans.push_back(span);
    const auto text = texts.find(line.name);
    const std::string said = text == texts.end() ? "" : text->second;
    if (text != texts.end()) texts.erase(text);
    if (request_.options.target == "class") {
      files_.labels.push_back(labels_.add(said, line.where));
    } else {
      files_.transcripts.add(said);
      files_.labels.push_back(said.empty() ? kUnlabeled : 0);
    }
  }

  const OpenRequest& request_;
  FileList files_;
  LabelTexts labels_;
  std::vector<std::string> notes_;
};

/// The folders of a dataset by what they are for: the folder itself, or those in it whose names say so.
std::vector<std::pair<fs::path, Role>> parts_of(const fs::path& folder) {
  if (is_file(folder / kList)) return {{folder, Role::train}};
  std::vector<std::pair<fs::path, Role>> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto role = role_of_word(entry.path().filename().string());  // first: a folder may hold 100,000 files
    if (role && is_file(entry.path() / kList)) found.emplace_back(entry.path(), *role);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_kaldi_folder(const fs::path& folder) {
  const auto parts = parts_of(folder);
  return std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.second == Role::train; });
}

Opened open_kaldi(const OpenRequest& request) {
  KaldiSplit train(request), test(request), validation(request);
  Opened opened;
  for (const auto& [folder, role] : parts_of(request.path))
    (role == Role::test ? test : role == Role::validation ? validation : train).add(folder, role);
  for (const KaldiSplit* split : {&train, &test, &validation})
    opened.notes.insert(opened.notes.end(), split->notes().begin(), split->notes().end());
  const bool classes = request.options.target == "class";
  if (!classes) need_no_classes(request);
  const ClassMap map =
      classes ? map_classes(train.labels(), request.classes, NumberLabels::may_be_indices) : ClassMap();
  const auto finish = [&](KaldiSplit& split) {
    if (!classes) return split.finish(nullptr);
    const ClassMap mine = map_classes(split.labels(), map.classes, NumberLabels::may_be_indices);
    return split.finish(&mine);
  };
  opened.train = finish(train);
  opened.test = finish(test);
  opened.validation = finish(validation);
  return opened;
}

}  // namespace fewlabel
