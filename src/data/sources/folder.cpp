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
#include "data/sources/file_list.h"
#include "data/suffixes.h"

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

bool is_any(const std::string& name, std::initializer_list<std::string_view> wanted) {
  return std::find(wanted.begin(), wanted.end(), lower(name)) != wanted.end();
}

bool is_unlabeled_name(const std::string& name) { return is_any(name, {"unlabeled", "unlabelled", "unsup"}); }

/// Text files that stand beside classes and are no examples.
bool is_notice(const std::string& name) {
  return is_any(fs::path(name).stem().string(), {"readme", "license", "licence", "classes", "labels", "copying"});
}

/// What one split holds of one kind; labels are provisional until the classes are known.
struct Found {
  FileList files;
  LabelTexts labels;
};

/// One split while it is being found. Which kind is meant is known when all is counted.
class Finder {
 public:
  explicit Finder(fs::path root) : root_(std::move(root)) {}

  /// `inside` is relative to the root: "" or "train/".
  void add_split(const std::string& inside) {
    Listing top = list_folder((root_ / inside).string(), true);
    std::sort(top.folders.begin(), top.folders.end(), natural_less);
    for (const auto& folder : top.folders)
      if (!is_unlabeled_name(folder)) {
        const int64_t before = images() + texts();
        add_tree(inside + folder + "/", folder);
        if (images() + texts() == before) empty_.push_back(folder);
      }
    for (const auto& folder : top.folders)
      if (is_unlabeled_name(folder)) add_unlabeled(inside + folder + "/");
    add_files(inside, top.files, "", true);
  }

  void add_unlabeled(const std::string& inside) {
    const int64_t images_before = images(), texts_before = texts();
    add_tree(inside, "");
    unlabeled_.push_back({inside, images() - images_before, texts() - texts_before});
  }

  void check_unlabeled(Kind kind) const {
    for (const auto& folder : unlabeled_)
      if ((kind == Kind::image ? folder.images : folder.texts) == 0)
        throw_data(
            (root_ / folder.inside).string(),
            fmt::format("the folder of unlabelled examples holds no {}", kind == Kind::image ? "image" : "text (.txt)"),
            fmt::format("put {}s into it or remove the folder{}", word_for_one(kind),
                        kind == Kind::image ? fmt::format("; {} are read", kImageFormats) : ""));
  }

  Found& found(Kind kind) { return kind == Kind::image ? images_ : texts_; }
  std::shared_ptr<const Source> finish(Kind kind, const ClassMap& map, const std::string& encoding) {
    FileList& files = found(kind).files;
    for (int32_t& label : files.labels) label = map(label);
    files.kind = kind;
    files.root = root_;
    files.encoding = encoding;
    files.left_out = others_ + (kind == Kind::image ? texts() : images());
    return std::make_shared<FileListSource>(std::move(files), map.classes);
  }

  int64_t images() const { return images_.files.paths.size(); }
  int64_t texts() const { return texts_.files.paths.size(); }
  int64_t captions() const { return captions_; }
  int64_t others() const { return others_; }
  const std::vector<std::string>& empty() const { return empty_; }

 private:
  struct Unlabeled {
    std::string inside;
    int64_t images, texts;
  };

  void add_tree(const std::string& inside, const std::string& label, int depth = 0) {
    if (depth > kDeepest)
      throw_data((root_ / inside).string(), fmt::format("lies more than {} folders deep", kDeepest));
    Listing listing = list_folder((root_ / inside).string(), false);
    add_files(inside, listing.files, label, false);
    std::sort(listing.folders.begin(), listing.folders.end(), natural_less);
    for (const auto& folder : listing.folders) add_tree(inside + folder + "/", label, depth + 1);
  }

  /// `label` empty: without one.
  void add_files(const std::string& inside, std::vector<std::string>& names, const std::string& label, bool top) {
    std::sort(names.begin(), names.end());
    std::string image;  // the stem of the one before
    for (const auto& name : names) {
      const auto kind = kind_of_file(name);
      if (!kind || (kind == Kind::text && top && is_notice(name))) {
        ++others_;
        continue;
      }
      const std::string stem = name.substr(0, name.rfind('.'));
      if (kind == Kind::image) image = stem;
      if (kind == Kind::text && stem == image) ++captions_;
      Found& mine = found(*kind);
      mine.files.paths.add(inside + name);
      mine.files.labels.push_back(mine.labels.add(label, inside.substr(0, inside.rfind('/'))));
    }
  }

  fs::path root_;
  Found images_, texts_;
  int64_t captions_ = 0;  // texts beside an image of the same name
  int64_t others_ = 0;    // files of no kind
  std::vector<std::string> empty_;
  std::vector<Unlabeled> unlabeled_;
};

struct Splits {
  std::string train, test;  // folders inside the root; "" is the root itself, test "" is none
};

Splits find_splits(const Listing& top) {
  const auto find = [&](std::initializer_list<std::string_view> names) -> std::string {
    for (const std::string_view name : names)
      for (const std::string& folder : top.folders)
        if (lower(folder) == name) return folder + "/";
    return "";
  };
  const std::string train = find({"train", "training"});
  if (train.empty()) return {};
  const std::string test = find({"test", "testing", "val", "valid", "validation", "dev"});
  if (!test.empty()) return {train, test};
  const bool alone = std::all_of(top.folders.begin(), top.folders.end(), [&](const std::string& name) {
    return name + "/" == train || is_unlabeled_name(name);
  });
  return alone ? Splits{train, ""} : Splits{};
}

/// A few of the other kind are no examples: a read-me, a list of classes, a logo. So are texts beside images of the
/// same names, which are captions or boxes.
Kind choose_kind(const OpenRequest& request, const Finder& train, const Finder& test) {
  if (request.options.kind) return *request.options.kind;
  const int64_t images = train.images() + test.images(), texts = train.texts() + test.texts();
  const auto is_stray = [](int64_t few, int64_t many) { return few <= std::max<int64_t>(1, many / 10); };
  if (texts == 0 || (images > 0 && is_stray(texts - train.captions() - test.captions(), images))) return Kind::image;
  if (images == 0 || is_stray(images, texts)) return Kind::text;
  throw_data(request.path.string(),
             fmt::format("holds {} images and {} texts, and nothing says which are the examples", with_commas(images),
                         with_commas(texts)),
             "say it: data.kind=image or data.kind=text");
}

}  // namespace

Opened open_class_folder(const OpenRequest& request) {
  const Listing top = list_folder(request.path.string(), true);
  const Splits splits = find_splits(top);
  Finder train(request.path), test(request.path);
  train.add_split(splits.train);
  if (!splits.train.empty())
    for (const auto& folder : top.folders)
      if (is_unlabeled_name(folder)) train.add_unlabeled(folder + "/");
  if (!splits.test.empty()) test.add_split(splits.test);
  const Kind kind = choose_kind(request, train, test);
  if (kind == Kind::table)
    throw_data(request.path.string(), "holds no table of numbers", "wanted: a CSV, TSV, JSONL or NPY file");
  if (train.found(kind).files.paths.size() == 0)
    throw_data(
        request.path.string(),
        fmt::format("holds no {} ({} other files)",
                    request.options.kind ? kind == Kind::image ? "image" : "text (.txt)" : "image and no text (.txt)",
                    train.others() + train.images() + train.texts()),
        fmt::format("wanted: a folder of images ({}) or texts for each class, and unlabeled/ for those without a "
                    "label",
                    kImageFormats));
  train.check_unlabeled(kind);
  const ClassMap map = map_classes(train.found(kind).labels, request.classes, NumberLabels::are_names);
  Opened opened;
  if (!splits.test.empty()) {
    test.check_unlabeled(kind);
    const ClassMap test_map = map_classes(test.found(kind).labels, map.classes, NumberLabels::are_names);
    opened.test = test.finish(kind, test_map, request.options.encoding);
  }
  opened.train = train.finish(kind, map, request.options.encoding);
  if (!train.empty().empty())
    opened.notes.push_back(fmt::format("folders without an example are no classes: {}",
                                       printable(escape_bytes(join(train.empty(), ", ").substr(0, 400)))));
  return opened;
}

}  // namespace fewlabel
