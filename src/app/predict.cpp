// `fewlabel predict`: classes and probabilities of images, one line each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numeric>

#include "app/app.h"
#include "app/evaluation.h"
#include "core/cancel.h"
#include "core/console.h"
#include "core/csv.h"
#include "core/files.h"
#include "core/json_text.h"
#include "core/text.h"
#include "data/byte_file.h"
#include "data/decode/decode.h"
#include "fewlabel/error.h"
#include "fewlabel/predictor.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kSlice = 256;  // images decoded and classified at a time

std::vector<std::string> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) throw Error(ErrorKind::data, path, "does not exist", "give files or folders of images");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied))
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with(".")) found.push_back(entry.path());
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) throw Error(ErrorKind::data, paths.front(), "holds no files", "give files or folders of images");
  return files;
}

class Writer {
 public:
  Writer(const PredictRequest& request, const std::vector<std::string>& classes)
      : classes_(classes),
        jsonl_(request.format == "jsonl"),
        top_(std::clamp<int64_t>(request.top, 1, static_cast<int64_t>(classes.size()))) {
    if (!jsonl_) {
      text_ = "path,class,probability";
      for (int64_t k = 2; k <= top_; ++k) text_ += fmt::format(",class_{},probability_{}", k, k);
      text_ += '\n';
    }
  }

  void add(const std::string& path, const std::vector<float>& probability) {
    std::vector<std::size_t> order(probability.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::partial_sort(order.begin(), order.begin() + top_, order.end(),
                      [&](std::size_t a, std::size_t b) { return probability[a] > probability[b]; });
    if (jsonl_) {
      Json line = {{"path", path}, {"class", classes_[order[0]]}, {"probability", probability[order[0]]}};
      for (int64_t k = 0; top_ > 1 && k < top_; ++k) {
        const std::size_t c = order[static_cast<std::size_t>(k)];
        line["top"].push_back({{"class", classes_[c]}, {"probability", probability[c]}});
      }
      text_ += json_text(line) + "\n";
      return;
    }
    text_ += csv_field(path);
    for (int64_t k = 0; k < top_; ++k) {
      const std::size_t c = order[static_cast<std::size_t>(k)];
      text_ += fmt::format(",{},{:.6f}", csv_field(classes_[c]), probability[c]);
    }
    text_ += '\n';
  }

  std::string take() { return std::exchange(text_, {}); }

 private:
  const std::vector<std::string>& classes_;
  bool jsonl_;
  int64_t top_;
  std::string text_;
};

}  // namespace

Json predict(const PredictRequest& request) {
  if (request.format != "csv" && request.format != "jsonl")
    throw Error(ErrorKind::usage, "predict", "--format " + request.format + ": wanted csv or jsonl");
  watch_signals();
  at::set_num_threads(usable_threads());
  const std::vector<std::string> files = files_of(request.paths);
  const Predictor predictor(request.run);
  Writer writer(request, predictor.classes());
  std::string all;  // a file appears whole or not at all; standard output is written as it comes
  int64_t predicted = 0, damaged = 0;
  const auto flush = [&] {
    if (!request.output.empty()) {
      all += writer.take();
      return;
    }
    const std::string text = writer.take();
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
      throw_storage("standard output", "write", errno);
  };
  for (std::size_t begin = 0; begin < files.size(); begin += kSlice) {
    if (const auto stopped = cancelled()) throw Error(*stopped, "predict", "stopped");
    std::vector<Image> images;
    std::vector<std::string> names;
    for (std::size_t i = begin; i < std::min(files.size(), begin + kSlice); ++i) {
      try {
        images.push_back(decode_image(files[i], read_bytes(files[i], kMaxEncodedBytes),
                                      {DataOptions{}.max_pixels, predictor.shape()}));
        names.push_back(files[i]);
      } catch (const Error& error) {
        if (request.strict) throw;
        ++damaged;
        tell(stderr, fmt::format("left out {}: {}\n", printable(files[i]), error.message()));
      }
    }
    const auto probability = predictor.predict(images);
    for (std::size_t i = 0; i < names.size(); ++i) writer.add(names[i], probability[i]);
    predicted += static_cast<int64_t>(names.size());
    flush();
  }
  if (!request.output.empty()) write_file(request.output, all);
  if (predicted == 0)
    throw Error(ErrorKind::data, request.paths.front(), "holds no image that could be read",
                "PNG, JPEG and WebP are read");
  return {{"predicted", predicted}, {"damaged", damaged}};
}

}  // namespace fewlabel
