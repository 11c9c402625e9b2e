// Files on disk, one an example, each with an optional label: what a folder and a manifest come down to. Indexing opens
// no file, so a million paths take seconds and about their own length in memory.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "data/pixel_cache.h"
#include "data/sources/sources.h"

namespace fewlabel {

/// Many strings in one block of memory.
class TextList {
 public:
  void add(std::string_view text) {
    text_ += text;
    ends_.push_back(text_.size());
  }
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::string_view operator[](int64_t index) const {
    const auto i = static_cast<std::size_t>(index);
    const std::size_t start = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(start, ends_[i] - start);
  }

 private:
  std::string text_;
  std::vector<std::size_t> ends_;
};

/// A part of a recording, in seconds; end 0: to its end.
struct Span {
  double begin = 0, end = 0;
  /// "#t=1.5,2.25", as in URIs of media; empty for the whole.
  std::string fragment() const;
};

struct FileList {
  Kind kind = Kind::image;
  std::filesystem::path root;  // relative paths start here
  TextList paths;
  std::vector<int32_t> labels;   // one a path
  TextList transcripts = {};     // one a path; empty: labels are classes
  std::vector<Span> spans = {};  // one a path; empty: whole files
  int64_t left_out = 0;          // other files beside them
  std::string encoding = {};     // of texts
};

class FileListSource : public Source, public Gathered, public Fingerprinted {
 public:
  FileListSource(FileList files, std::vector<std::string> classes);
  int64_t size() const override { return files_.paths.size(); }
  std::string name(int64_t index) const override { return std::string(files_.paths[index]) + span(index).fragment(); }
  std::filesystem::path path(int64_t index) const { return files_.root / files_.paths[index]; }  // by which it opens
  Span span(int64_t index) const {
    return files_.spans.empty() ? Span() : files_.spans[static_cast<std::size_t>(index)];
  }
  int32_t label(int64_t index) const override { return files_.labels[static_cast<std::size_t>(index)]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return files_.kind; }
  bool transcribed() const override { return files_.transcripts.size() > 0; }
  std::string transcript(int64_t index) const override {
    return transcribed() ? std::string(files_.transcripts[index]) : std::string();
  }
  Raw raw(int64_t index) const override;
  Raw head(int64_t index) const override;
  int64_t left_out() const override { return files_.left_out; }
  std::string fingerprint() const override;

 private:
  FileList files_;
  std::vector<std::string> classes_;
};

}  // namespace fewlabel
