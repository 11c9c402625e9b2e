// `fewlabel predict`: classes and probabilities of images, one line each.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <optional>
#include <span>

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
#include "data/decode/decode.h"
#include "data/parallel.h"
#include "eval/classify.h"
#include "fewlabel/error.h"
#include "fewlabel/predictor.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_of(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) throw Error(ErrorKind::data, path, "does not exist", "give files or folders of images");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied)) {
      stop_if_cancelled("predict");
      if (entry.is_regular_file() && !entry.path().filename().string().starts_with(".")) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) throw Error(ErrorKind::data, paths.front(), "holds no files", "give files or folders of images");
  return files;
}

/// What becomes of one file: its image, or why there is none.
struct Decoded {
  std::optional<Image> image;
  std::optional<Error> damage;
};

std::vector<Decoded> decode_all(std::span<const std::string> files, const ImageShape& shape, const Work& work) {
  std::vector<Decoded> decoded(files.size());
  parallel_for(static_cast<int64_t>(files.size()), usable_threads(), [&](int64_t i) {
    work.check();
    const std::string& file = files[static_cast<std::size_t>(i)];
    Decoded& result = decoded[static_cast<std::size_t>(i)];
    try {
      result.image = decode_image(file, read_bytes(file, kMaxEncodedBytes), {DataOptions{}.max_pixels, shape});
    } catch (const Error& error) {
      result.damage = error;
    }
  });
  return decoded;
}

/// Lines of CSV or JSON.
class Format {
 public:
  Format(const PredictRequest& request, const std::vector<std::string>& classes)
      : classes_(classes),
        jsonl_(request.format == "jsonl"),
        all_(request.all_probabilities),
        top_(std::clamp<int64_t>(request.top, 1, static_cast<int64_t>(classes.size()))) {}

  std::string head() const {
    if (jsonl_) return {};
    std::string text = "path,class,probability";
    for (int64_t k = 2; k <= top_; ++k) text += fmt::format(",class_{},probability_{}", k, k);
    for (std::size_t c = 0; all_ && c < classes_.size(); ++c)
      text += fmt::format(",{}", csv_field(fmt::format("p_{}", classes_[c])));
    return text + "\n";
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
  bool jsonl_, all_;
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
  const std::vector<std::string> files = files_of(request.paths);
  const Predictor predictor(request.run);
  const Format format(request, predictor.classes());
  Output output(request.output);
  output.write(format.head());
  const bool sorted = request.order == PredictOrder::uncertainty;
  std::vector<std::pair<float, std::string>> lines;  // those of sorted output wait here, with how sure they are
  int64_t predicted = 0, damaged = 0;
  Work work("classifying", static_cast<int64_t>(files.size()));
  const auto slice = static_cast<std::size_t>(images_at_a_time(predictor.shape()));
  for (std::size_t begin = 0; begin < files.size(); begin += slice) {
    const std::span part(files.begin() + static_cast<std::ptrdiff_t>(begin), std::min(slice, files.size() - begin));
    std::vector<Image> images;
    std::vector<std::string> names;
    std::vector<Decoded> decoded = decode_all(part, predictor.shape(), work);
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (decoded[i].image) {
        images.push_back(std::move(*decoded[i].image));
        names.push_back(part[i]);
        continue;
      }
      if (request.strict) throw *decoded[i].damage;
      ++damaged;
      tell(stderr, fmt::format("left out {}: {}\n", printable(part[i]), decoded[i].damage->message()));
    }
    const auto probability = predictor.predict(images);
    std::string text;
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::string line = format.line(names[i], probability[i]);
      if (sorted)
        lines.emplace_back(*std::max_element(probability[i].begin(), probability[i].end()), std::move(line));
      else
        text += line;
    }
    output.write(text);
    predicted += static_cast<int64_t>(names.size());
    work.advance(static_cast<int64_t>(part.size()));
  }
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [sureness, line] : lines) output.write(line);
  if (predicted == 0)
    throw Error(ErrorKind::data, request.paths.front(), "holds no image that could be read",
                "PNG, JPEG and WebP are read");
  output.finish();
  return {{"predicted", predicted}, {"damaged", damaged}};
}

}  // namespace fewlabel
