// `fewlabel generate`: samples of a trained method as a data set.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "app/app.h"
#include "app/npy.h"
#include "app/sampling.h"
#include "core/files.h"
#include "data/class_list.h"
#include "eval/pictures.h"
#include "fewlabel/error.h"
#include "modalities/image/decode/encode.h"
#include "train/device.h"
#include "train/folders.h"
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

/// Where the folder will be: at the end of a link, if it is one. Throws Error{usage} where something is there already.
fs::path free_folder(const std::string& output) {
  fs::path folder = fs::path(output).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return folder;
  if (!fs::is_directory(folder, ignored) || !fs::is_empty(folder, ignored))
    throw Error(ErrorKind::usage, folder.string(), "is there already and is not an empty folder",
                "choose another with -o, or remove it");
  return fs::canonical(folder);
}

class PngFolder {
 public:
  PngFolder(fs::path folder, const std::vector<std::string>& classes)
      : folder_(std::move(folder)), names_(class_folders(classes)) {}
  void add(const Image& image, int64_t label) {
    const std::string name = label < 0 ? "unlabeled" : names_.at(static_cast<std::size_t>(label));
    const fs::path inside = folder_ / "train" / name;  // so that grid.png beside it is no example
    if (count_[name] == 0) make_folder(inside);
    write_file(inside / fmt::format("{:06}.png", count_[name]++), encode_png(image), Durability::atomic);
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
  write_file(folder / "images.npy", npy_bytes(torch::stack(rows)), Durability::atomic);
  if (labels.front() < 0) return;
  write_file(folder / "labels.npy", npy_bytes(torch::tensor(labels, torch::kLong)), Durability::atomic);
  std::string names;
  for (const std::string& name : classes) names += name + "\n";
  write_file(folder / "classes.txt", names, Durability::atomic);
}

}  // namespace

Json generate(const GenerateRequest& request) {
  at::set_num_threads(usable_threads());
  LoadedMethod loaded = load_method(request.run, choose_device());
  const std::vector<std::string>& classes = loaded.card.classes;
  const int64_t label = class_index(request.of_class, classes);
  const Sampler& sampler = sampler_of(loaded, label);  // before anything is written
  const bool by_class = sampler.conditional() && label < 0 && classes.size() <= kShown / 4;
  write_folder(free_folder(request.output), Durability::atomic, 0, [&](const fs::path& folder) {
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
    const auto columns = by_class ? static_cast<int64_t>(classes.size()) : 10;
    write_file(folder / "grid.png", encode_png(tile(shown, columns)), Durability::atomic);
  });
  return {{"run", request.run},
          {"method", loaded.card.name()},
          {"count", request.count},
          {"class", label < 0 ? Json(nullptr) : Json(classes.at(static_cast<std::size_t>(label)))},
          {"labelled", sampler.conditional()},
          {"seed", request.seed},
          {"folder", request.output}};
}

}  // namespace fewlabel
