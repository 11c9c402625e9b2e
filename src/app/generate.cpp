// `fewlabel generate`: samples of a trained method as a data set.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include "app/app.h"
#include "app/npy.h"
#include "app/sampling.h"
#include "core/cancel.h"
#include "core/files.h"
#include "data/class_list.h"
#include "data/decode/encode.h"
#include "eval/pictures.h"
#include "fewlabel/error.h"
#include "train/device.h"
#include "train/machine.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kShown = 100;  // samples in grid.png

int64_t class_index(const std::string& text, const std::vector<std::string>& classes) {
  if (text.empty()) return -1;
  if (const auto at = std::find(classes.begin(), classes.end(), text); at != classes.end()) return at - classes.begin();
  const bool digits = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
  if (digits && text.size() < 7 && std::stoul(text) < classes.size()) return std::stol(text);
  throw Error(ErrorKind::usage, "generate", fmt::format("there is no class '{}'", text), suggestion(text, classes));
}

/// Thousands of small files: flushing each to disk would take longer than drawing it.
void write_quickly(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw_storage(path, "write", errno);
}

void claim(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder, ignored) && !(fs::is_directory(folder, ignored) && fs::is_empty(folder, ignored)))
    throw Error(ErrorKind::usage, folder.string(), "is there already and is not an empty folder",
                "choose another with -o, or remove it");
  make_folder(folder);
}

class PngFolder {
 public:
  PngFolder(fs::path folder, const std::vector<std::string>& classes)
      : folder_(std::move(folder)), names_(class_folders(classes)) {}
  void add(const Image& image, int64_t label) {
    const std::string name = label < 0 ? "unlabeled" : names_.at(static_cast<std::size_t>(label));
    const fs::path inside = folder_ / "train" / name;  // so that grid.png beside it is no example
    if (count_[name] == 0) make_folder(inside);
    write_quickly(inside / fmt::format("{:06}.png", count_[name]++), encode_png(image));
  }

 private:
  fs::path folder_;
  std::vector<std::string> names_;  // of the classes' folders
  std::map<std::string, int64_t> count_;
};

void write_arrays(const fs::path& folder, const std::vector<Image>& images, const std::vector<int64_t>& labels,
                  const std::vector<std::string>& classes) {
  std::vector<Tensor> rows;
  for (const Image& image : images)
    rows.push_back(torch::tensor(image.pixels, torch::kByte).view({image.height, image.width, image.channels}));
  write_file(folder / "images.npy", npy_bytes(torch::stack(rows)));
  if (labels.front() < 0) return;
  write_file(folder / "labels.npy", npy_bytes(torch::tensor(labels, torch::kLong)));
  std::string names;
  for (const std::string& name : classes) names += name + "\n";
  write_file(folder / "classes.txt", names);
}

}  // namespace

Json generate(const GenerateRequest& request) {
  watch_signals();
  at::set_num_threads(usable_threads());
  LoadedMethod loaded = load_method(request.run, choose_device());
  const std::vector<std::string>& classes = loaded.card.classes;
  const int64_t label = class_index(request.of_class, classes);
  const Sampler& sampler = sampler_of(loaded, label);  // before anything is written
  const fs::path folder = request.output;
  claim(folder);
  PngFolder pictures(folder, classes);
  const bool arrays = request.format == "npy";
  std::vector<Image> images, shown;
  std::vector<int64_t> labels;
  draw_samples(loaded, {request.count, label, request.seed}, [&](Image image, int64_t of) {
    if (shown.size() < kShown) shown.push_back(image);
    if (!arrays) return pictures.add(image, of);
    images.push_back(std::move(image));
    labels.push_back(of);
  });
  if (arrays) write_arrays(folder, images, labels, classes);
  const bool by_class = sampler.conditional() && label < 0 && classes.size() <= kShown / 4;
  write_file(folder / "grid.png", encode_png(tile(shown, by_class ? static_cast<int64_t>(classes.size()) : 10)));
  return {{"run", request.run},
          {"method", loaded.card.name()},
          {"count", request.count},
          {"class", label < 0 ? Json(nullptr) : Json(classes.at(static_cast<std::size_t>(label)))},
          {"labelled", sampler.conditional()},
          {"seed", request.seed},
          {"folder", folder.string()}};
}

}  // namespace fewlabel
