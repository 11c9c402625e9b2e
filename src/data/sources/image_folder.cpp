#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/cancel.h"
#include "core/text.h"
#include "data/class_list.h"
#include "data/decode/decode.h"
#include "data/sources/file_list.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepest = 16;  // of folders inside a class folder

struct Listing {
  std::vector<std::string> files, folders;
};

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

/// Names in a folder, in no order. Uses the type that readdir gives, so that no file is touched. A link to a folder is
/// followed only where `follow`: below the class folders it could lead in circles.
Listing list_folder(const std::string& path, bool follow) {
  const std::unique_ptr<DIR, CloseFolder> folder(opendir(path.c_str()));
  if (!folder) throw_data(path, fmt::format("cannot be listed: {}", std::strerror(errno)));
  Listing listing;
  while (const dirent* entry = readdir(folder.get())) {
    stop_if_cancelled("data");
    if (entry->d_name[0] == '.') continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN || type == DT_LNK) {
      struct stat status {};
      if (stat((path + "/" + entry->d_name).c_str(), &status) != 0) continue;
      if (S_ISDIR(status.st_mode)) type = type == DT_LNK && !follow ? DT_CHR : DT_DIR;
      if (S_ISREG(status.st_mode)) type = DT_REG;
    }
    if (type == DT_DIR) listing.folders.emplace_back(entry->d_name);
    if (type == DT_REG) listing.files.emplace_back(entry->d_name);
  }
  return listing;
}

bool is_unlabeled_name(const std::string& name) {
  const std::string plain = lower(name);
  return plain == "unlabeled" || plain == "unlabelled";
}

/// One split while it is being found; labels are provisional until the classes are known.
class Finder {
 public:
  Finder(fs::path root, LabelTexts& labels) : labels_(labels) { files_.root = std::move(root); }

  /// `inside` is relative to the root: "" or "train/".
  void add_split(const std::string& inside) {
    Listing top = list_folder((files_.root / inside).string(), true);
    std::sort(top.folders.begin(), top.folders.end(), natural_less);
    for (const auto& folder : top.folders)
      if (!is_unlabeled_name(folder)) add_tree(inside + folder + "/", labels_.add(folder, inside + folder));
    for (const auto& folder : top.folders)
      if (is_unlabeled_name(folder)) add_unlabeled(inside + folder + "/");
    add_files(inside, top.files, kUnlabeled);
  }

  void add_unlabeled(const std::string& inside) {
    const int64_t before = files_.paths.size();
    add_tree(inside, kUnlabeled);
    if (files_.paths.size() == before)
      throw_data((files_.root / inside).string(), "the folder of unlabelled examples holds no PNG, JPEG or WebP image",
                 "put images into it or remove the folder");
  }

  std::shared_ptr<const Source> finish(const ClassMap& map, int64_t max_pixels) {
    for (int32_t& label : files_.labels) label = map(label);
    return std::make_shared<FileListSource>(std::move(files_), map.classes, max_pixels);
  }
  const FileList& files() const { return files_; }

 private:
  void add_tree(const std::string& inside, int32_t label, int depth = 0) {
    if (depth > kDeepest)
      throw_data((files_.root / inside).string(), fmt::format("lies more than {} folders deep", kDeepest));
    Listing listing = list_folder((files_.root / inside).string(), false);
    add_files(inside, listing.files, label);
    std::sort(listing.folders.begin(), listing.folders.end(), natural_less);
    for (const auto& folder : listing.folders) add_tree(inside + folder + "/", label, depth + 1);
  }

  void add_files(const std::string& inside, std::vector<std::string>& names, int32_t label) {
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
      if (!has_image_suffix(name)) {
        ++files_.left_out;
        continue;
      }
      files_.paths.add(inside + name);
      files_.labels.push_back(label);
    }
  }

  FileList files_;
  LabelTexts& labels_;
};

struct Splits {
  std::string train, test;  // folders inside the root; "" is the root itself, test "" is none
};

Splits find_splits(const Listing& top) {
  const auto has = [&](const std::string& name) {
    return std::find(top.folders.begin(), top.folders.end(), name) != top.folders.end();
  };
  if (!has("train")) return {};
  for (const auto* test : {"test", "val", "valid", "validation"})
    if (has(test)) return {"train/", std::string(test) + "/"};
  const bool alone = std::all_of(top.folders.begin(), top.folders.end(),
                                 [](const std::string& name) { return name == "train" || is_unlabeled_name(name); });
  return alone ? Splits{"train/", ""} : Splits{};
}

}  // namespace

Opened open_image_folder(const OpenRequest& request) {
  const Listing top = list_folder(request.path.string(), true);
  const Splits splits = find_splits(top);
  LabelTexts labels;
  Finder train(request.path, labels);
  train.add_split(splits.train);
  if (!splits.train.empty())
    for (const auto& folder : top.folders)
      if (is_unlabeled_name(folder)) train.add_unlabeled(folder + "/");
  if (train.files().paths.size() == 0)
    throw_data(request.path.string(),
               fmt::format("holds no PNG, JPEG or WebP image ({} other files)", train.files().left_out),
               "wanted: a folder of images for each class, and unlabeled/ for those without a label");
  const ClassMap map = map_classes(labels, request.classes, NumberLabels::are_names);
  Opened opened;
  opened.train = train.finish(map, request.options.max_pixels);
  if (!splits.test.empty()) {
    LabelTexts test_labels;
    Finder test(request.path, test_labels);
    test.add_split(splits.test);
    opened.test =
        test.finish(map_classes(test_labels, map.classes, NumberLabels::are_names), request.options.max_pixels);
  }
  return opened;
}

}  // namespace fewlabel
