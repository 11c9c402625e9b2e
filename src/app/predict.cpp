// `fewlabel predict`: classes and probabilities of examples, one line each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>

#include "app/app.h"
#include "app/evaluation.h"
#include "core/cancel.h"
#include "core/console.h"
#include "core/csv.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "core/work.h"
#include "data/byte_file.h"
#include "data/parallel.h"
#include "data/sources/file_list.h"
#include "data/suffixes.h"
#include "eval/classify.h"
#include "fewlabel/error.h"
#include "fewlabel/predictor.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

/// Links that lead nowhere or in a circle.
struct BrokenLinks {
  int64_t count = 0;
  std::string first;
};

/// Files of a kind below a folder, by their suffixes; what is hidden is passed over, as training does.
std::vector<std::string> files_below(const fs::path& folder, Kind kind, BrokenLinks& broken) {
  std::vector<std::string> found;
  for (auto entry = fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied);
       entry != fs::recursive_directory_iterator(); ++entry) {
    stop_if_cancelled("predict");
    const std::string name = entry->path().filename().string();
    std::error_code failed;
    const bool is_folder = entry->is_directory(failed) && !failed;
    if (is_hidden_name(name)) {
      if (is_folder) entry.disable_recursion_pending();
    } else if (failed || !entry->exists(failed) || failed) {
      if (broken.count++ == 0) broken.first = entry->path().string();
    } else if (kind_of_file(name) == kind && entry->is_regular_file(failed)) {
      found.push_back(entry->path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Examples without labels, from the command line or standard input.
class Given final : public Source {
 public:
  void add(std::string name, std::string text) {
    names_.push_back(std::move(name));
    texts_.push_back(std::move(text));
  }
  int64_t size() const override { return static_cast<int64_t>(names_.size()); }
  std::string name(int64_t index) const override { return names_.at(static_cast<std::size_t>(index)); }
  int32_t label(int64_t /*index*/) const override { return kUnlabeled; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::text; }
  Raw raw(int64_t index) const override {
    const std::string& text = texts_.at(static_cast<std::size_t>(index));
    return {{text.begin(), text.end()}};
  }

 private:
  std::vector<std::string> names_, texts_, classes_;
};

/// Names by which the files of another source open.
class Opened final : public Source {
 public:
  Opened(std::shared_ptr<const Source> source, const FileListSource& files)
      : source_(std::move(source)), files_(files) {}
  int64_t size() const override { return source_->size(); }
  std::string name(int64_t index) const override { return files_.path(index).string() + files_.span(index).fragment(); }
  int32_t label(int64_t /*index*/) const override { return kUnlabeled; }
  const std::vector<std::string>& classes() const override { return source_->classes(); }
  Kind kind() const override { return source_->kind(); }
  Raw raw(int64_t index) const override { return source_->raw(index); }

 private:
  std::shared_ptr<const Source> source_;
  const FileListSource& files_;  // the same
};

/// Whether somebody meant a file: of such a suffix, and without a space.
bool looks_like_path(const std::string& text) {
  const fs::path path(text);
  return text.find(' ') == std::string::npos && (path.has_parent_path() || path.has_extension());
}

/// Of a list of files of any kind, in the order given.
class Sources {
 public:
  explicit Sources(Kind kind) : kind_(kind) { files_.kind = kind; }

  void add_dataset(const std::string& path) {
    const Dataset data = open_dataset(path, {.kind = kind_});
    for (const auto& source : {data.train, data.test, data.validation}) {
      if (!source) continue;
      if (source->kind() != kind_)
        throw Error(
            ErrorKind::data, path,
            fmt::format("holds {}s, and the model is one of {}s", word_for_one(source->kind()), word_for_one(kind_)));
      flush();
      const auto* files = dynamic_cast<const FileListSource*>(source.get());
      sources_.push_back(files ? std::make_shared<Opened>(source, *files) : source);
    }
  }

  void add_file(const std::string& path) {
    files_.paths.add(path);
    files_.labels.push_back(kUnlabeled);
  }

  /// A file, or what lies below a folder; anything else that `data=` takes.
  void add_files(const std::string& path) {
    std::error_code ignored;
    if (!fs::exists(path, ignored) && path.find_first_of("*?[{") == std::string::npos)
      throw Error(ErrorKind::data, path, "does not exist",
                  fmt::format("give files or folders of {}s", word_for_one(kind_)));
    if (!fs::is_directory(path, ignored)) {
      const bool example = kind_of_file(path) == kind_ || !is_dataset_file(path);
      return example ? add_file(path) : add_dataset(path);
    }
    BrokenLinks broken;
    const std::vector<std::string> found = files_below(path, kind_, broken);
    for (const std::string& file : found) add_file(file);
    if (broken.count > 0)
      tell(stderr,
           fmt::format("left out {} {} that lead nowhere or in a circle, the first is {}\n", with_commas(broken.count),
                       broken.count == 1 ? "link" : "links", printable(broken.first)));
    if (found.empty()) add_dataset(path);  // of another format, or an error that says what is there
  }

  void add_text(std::string name, std::string text) {
    if (!given_) given_ = std::make_shared<Given>();
    given_->add(std::move(name), std::move(text));
  }

  std::vector<std::shared_ptr<const Source>> finish() {
    flush();
    if (given_) sources_.push_back(std::move(given_));
    return std::move(sources_);
  }

 private:
  void flush() {
    if (files_.paths.size() > 0)
      sources_.push_back(std::make_shared<FileListSource>(std::move(files_), std::vector<std::string>()));
    files_ = {};
    files_.kind = kind_;
  }

  Kind kind_;
  FileList files_;  // that stand for themselves
  std::shared_ptr<Given> given_;
  std::vector<std::shared_ptr<const Source>> sources_;
};

/// What the arguments name: everything that `data=` takes, all of its splits; images and recordings as files and below
/// folders; of a text model a word that names no file is a text. "-" stands for the lines of standard input: paths, or
/// texts.
std::vector<std::shared_ptr<const Source>> sources_of(const PredictRequest& request, Kind kind) {
  Sources sources(kind);
  for (const std::string& path : request.paths) {
    std::error_code ignored;
    if (path == "-" && kind != Kind::table) {
      std::string line;
      for (int64_t number = 1; std::getline(std::cin, line); ++number) {
        if (kind == Kind::text)
          sources.add_text(fmt::format("-:{}", number), line);
        else if (!line.empty())
          sources.add_files(line);
      }
    } else if (holds_file(kind)) {
      sources.add_files(path);
    } else if (fs::exists(path, ignored) || kind != Kind::text || looks_like_path(path)) {
      sources.add_dataset(path);
    } else {
      sources.add_text(path, path);
    }
  }
  return sources.finish();
}

/// Examples `first` … of a source, decoded, with those left out that are damaged.
struct Slice {
  std::vector<uint8_t> values;
  std::vector<std::string> names;
  std::vector<Error> damage;
};

Slice decode(const Source& source, int64_t first, int64_t count, const Predictor& predictor, const Work& work) {
  const Layout kept = predictor.modality().kept(predictor.layout());
  const auto bytes = static_cast<std::size_t>(kept.bytes());
  std::vector<uint8_t> values(static_cast<std::size_t>(count) * bytes);
  std::vector<std::optional<Error>> damage(static_cast<std::size_t>(count));
  parallel_for(count, usable_threads(), [&](int64_t i) {
    work.check();
    try {
      predictor.modality().decode(source.name(first + i), source.raw(first + i), kept,
                                  values.data() + static_cast<std::size_t>(i) * bytes);
    } catch (const Error& error) {
      damage[static_cast<std::size_t>(i)] = error;
    }
  });
  Slice slice;
  for (std::size_t i = 0; i < damage.size(); ++i) {
    if (damage[i]) {
      slice.damage.push_back(std::move(*damage[i]));
      continue;
    }
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(i * bytes);
    slice.values.insert(slice.values.end(), from, from + static_cast<std::ptrdiff_t>(bytes));
    slice.names.push_back(source.name(first + static_cast<int64_t>(i)));
  }
  return slice;
}

/// Lines of CSV or JSON.
class Format {
 public:
  Format(const PredictRequest& request, const std::vector<std::string>& classes, bool transcribes)
      : classes_(classes),
        transcribes_(transcribes),
        jsonl_(request.format == "jsonl"),
        all_(request.all_probabilities),
        top_(std::clamp<int64_t>(request.top, 1, static_cast<int64_t>(classes.size()))) {}

  std::string head() const {
    if (jsonl_) return {};
    if (transcribes_) return "path,transcript,probability\n";
    std::string text = "path,class,probability";
    for (int64_t k = 2; k <= top_; ++k) text += fmt::format(",class_{},probability_{}", k, k);
    for (std::size_t c = 0; all_ && c < classes_.size(); ++c)
      text += fmt::format(",{}", csv_field(fmt::format("p_{}", classes_[c])));
    return text + "\n";
  }

  std::string line(const std::string& path, const Transcript& heard) const {
    if (jsonl_)
      return json_text({{"path", path}, {"transcript", heard.text}, {"probability", heard.probability}}) + "\n";
    return fmt::format("{},{},{:.6f}\n", csv_field(path), csv_field(heard.text), heard.probability);
  }

  std::string line(const std::string& path, const std::vector<float>& probability) const {
    std::vector<std::size_t> order(probability.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::partial_sort(order.begin(), order.begin() + top_, order.end(),
                      [&](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
    order.resize(static_cast<std::size_t>(top_));
    return jsonl_ ? json_line(path, probability, order) : csv_line(path, probability, order);
  }

 private:
  std::string json_line(const std::string& path, const std::vector<float>& probability,
                        const std::vector<std::size_t>& order) const {
    Json line = {{"path", path}, {"class", classes_[order[0]]}, {"probability", probability[order[0]]}};
    if (top_ > 1)
      for (const std::size_t c : order)
        line["top"].push_back({{"class", classes_[c]}, {"probability", probability[c]}});
    if (all_)
      for (std::size_t c = 0; c < classes_.size(); ++c) line["probabilities"][classes_[c]] = probability[c];
    return json_text(line) + "\n";
  }

  std::string csv_line(const std::string& path, const std::vector<float>& probability,
                       const std::vector<std::size_t>& order) const {
    std::string text = csv_field(path);
    for (const std::size_t c : order) text += fmt::format(",{},{:.6f}", csv_field(classes_[c]), probability[c]);
    for (std::size_t c = 0; all_ && c < classes_.size(); ++c) text += fmt::format(",{:.6f}", probability[c]);
    return text + "\n";
  }

  const std::vector<std::string>& classes_;
  bool transcribes_, jsonl_, all_;
  int64_t top_;
};

/// Standard output, as lines come, or a file that appears when all are there.
class Output {
 public:
  explicit Output(const std::string& path) {
    if (!path.empty()) file_.emplace(path, Durability::atomic);
  }
  void write(const std::string& text) {
    if (file_) return file_->write(text);
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      throw_storage("standard output", "write", errno);
  }
  void finish() {
    if (file_) file_->finish();
  }

 private:
  std::optional<Artifact> file_;
};

}  // namespace

Json predict(const PredictRequest& request) {
  if (request.format != "csv" && request.format != "jsonl")
    throw Error(ErrorKind::usage, "predict", "--format " + request.format + ": wanted csv or jsonl");
  at::set_num_threads(usable_threads());
  const Predictor predictor(request.run);
  const Kind kind = predictor.layout().kind;
  const auto sources = sources_of(request, kind);
  const bool transcribes = predictor.transcribes();
  if (transcribes && (request.top > 1 || request.all_probabilities))
    throw Error(ErrorKind::usage, "predict", "the model writes down what it hears and knows no classes to list",
                "leave out --top and --all-probabilities");
  const Format format(request, predictor.classes(), transcribes);
  Output output(request.output);
  output.write(format.head());
  const bool sorted = request.order == PredictOrder::uncertainty;
  std::vector<std::pair<float, std::string>> lines;  // those of sorted output wait here, with how sure they are
  int64_t predicted = 0, damaged = 0, all = 0;
  for (const auto& source : sources) all += source->size();
  Work work("classifying", all);
  const int64_t at_a_time = examples_at_a_time(predictor.layout());
  for (const auto& source : sources)
    for (int64_t first = 0; first < source->size(); first += at_a_time) {
      const int64_t count = std::min(at_a_time, source->size() - first);
      const Slice slice = decode(*source, first, count, predictor, work);
      for (const Error& error : slice.damage) {
        if (request.strict) throw error;
        ++damaged;
        tell(stderr, fmt::format("left out {}: {}\n", printable(error.where()), printable(error.message())));
      }
      std::string text;
      const auto add = [&](float sureness, std::string line) {
        if (sorted)
          lines.emplace_back(sureness, std::move(line));
        else
          text += line;
      };
      const auto given = static_cast<int64_t>(slice.names.size());
      if (transcribes) {
        const auto heard = predictor.transcribe(slice.values.data(), given);
        for (std::size_t i = 0; i < slice.names.size(); ++i)
          add(static_cast<float>(heard[i].probability), format.line(slice.names[i], heard[i]));
      } else {
        const auto probability = predictor.predict(slice.values.data(), given);
        for (std::size_t i = 0; i < slice.names.size(); ++i)
          add(*std::max_element(probability[i].begin(), probability[i].end()),
              format.line(slice.names[i], probability[i]));
      }
      output.write(text);
      predicted += static_cast<int64_t>(slice.names.size());
      work.advance(count);
    }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [sureness, line] : lines) output.write(line);
  if (predicted == 0)
    throw Error(
        ErrorKind::data, request.paths.front(), fmt::format("holds no {} that could be read", word_for_one(kind)),
        holds_file(kind) ? fmt::format("{} are read", formats_of(kind)) : "fewlabel data inspect says what is wrong");
  output.finish();
  return {{"predicted", predicted}, {"damaged", damaged}};
}

}  // namespace fewlabel
