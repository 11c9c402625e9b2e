#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "core/cancel.h"
#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/file_list.h"
#include "data/sources/roles.h"
#include "data/suffixes.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int kDeepest = 16;  // of folders inside a class folder

struct Listing {
  std::vector<std::string> files, folders;
  std::vector<std::string> hidden;   // folders
  std::vector<std::string> broken;   // links that lead nowhere or in a circle
  std::vector<std::string> closed;   // links to folders that are not followed
  std::vector<std::string> special;  // pipes, sockets and devices
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
    const std::string name = entry->d_name;
    unsigned char type = entry->d_type;
    const bool link = type == DT_LNK;
    if (is_hidden_name(name)) {
      if (type == DT_DIR && name != "." && name != "..") listing.hidden.push_back(name);
      continue;
    }
    if (type == DT_UNKNOWN || link) {
      struct stat status {};
      if (stat((path + "/" + name).c_str(), &status) != 0) {
        listing.broken.push_back(name);
        continue;
      }
      type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_CHR;
    }
    if (type == DT_DIR)
      (link && !follow ? listing.closed : listing.folders).push_back(name);
    else if (type == DT_REG)
      listing.files.push_back(name);
    else
      listing.special.push_back(name);
  }
  for (auto* names : {&listing.hidden, &listing.broken, &listing.closed, &listing.special})
    std::sort(names->begin(), names->end(), natural_less);
  return listing;
}

bool is_any(const std::string& name, std::initializer_list<std::string_view> wanted) {
  return std::find(wanted.begin(), wanted.end(), lower(name)) != wanted.end();
}

/// Text files that stand beside classes and are no examples.
bool is_notice(const std::string& name) {
  return is_any(fs::path(name).stem().string(), {"readme", "license", "licence", "classes", "labels", "copying"});
}

/// "a, b, c and 4 more"
std::string first_of(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  const std::size_t shown = std::min(names.size(), kShown);
  std::string text = join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)}, ", ");
  if (shown < names.size())
    text += fmt::format(" and {} more", with_commas(static_cast<int64_t>(names.size() - shown)));
  return printable(escape_bytes(text));
}

/// Kinds of which one file is one example.
constexpr Kind kFileKinds[] = {Kind::image, Kind::text, Kind::audio};

std::size_t place_of(Kind kind) {
  return static_cast<std::size_t>(std::find(std::begin(kFileKinds), std::end(kFileKinds), kind) -
                                  std::begin(kFileKinds));
}

std::string_view file_word(Kind kind) { return kind == Kind::text ? "text (.txt)" : word_for_one(kind); }

/// What one split holds of one kind; labels are provisional until the classes are known.
struct Found {
  FileList files;
  LabelTexts labels;
};

/// One split while it is being found. Which kind is meant is known when all is counted.
struct Part {
  std::array<Found, std::size(kFileKinds)> found;
  int64_t captions = 0;                   // texts beside another file of the same name
  std::map<std::string, int64_t> others;  // files of no kind, by suffix
  Found& of(Kind kind) { return found[place_of(kind)]; }
  int64_t count(Kind kind) const { return found[place_of(kind)].files.paths.size(); }
};

/// All splits of a folder.
class Finder {
 public:
  Finder(const OpenRequest& request, Listing top)
      : root_(request.path),
        listed_(request.classes.begin(), request.classes.end()),
        only_listed_(!request.options.classes.empty()),
        top_(std::move(top)) {}

  /// `inside` is relative to the root: "" or "train/"; `beside`: folders in it that are no classes.
  void add_split(const std::string& inside, Role role, const std::set<std::string>& beside) {
    Listing here = inside.empty() ? top_ : list_folder((root_ / inside).string(), true);
    note_links(inside, here);
    std::sort(here.folders.begin(), here.folders.end(), natural_less);
    for (const auto& folder : here.hidden) no_classes_.push_back(folder);
    for (const auto& folder : here.folders) {
      if (beside.contains(folder) || is_unlabeled(folder)) continue;
      if (only_listed_ && !listed_.contains(folder)) {
        unlisted_.push_back(inside + folder);
        continue;
      }
      const int64_t before = size();
      add_tree(inside + folder + "/", folder, role);
      if (size() == before) no_classes_.push_back(folder + " (empty)");
    }
    for (const auto& folder : here.folders)
      if (!beside.contains(folder) && is_unlabeled(folder)) add_unlabeled(inside + folder + "/", role);
    add_files(inside, here.files, "", true, role);
  }

  void add_unlabeled(const std::string& inside, Role role) {
    Part& mine = part(role);
    std::map<Kind, int64_t> more;
    for (const Kind kind : kFileKinds) more[kind] = -mine.count(kind);
    add_tree(inside, "", role);
    for (const Kind kind : kFileKinds) more[kind] += mine.count(kind);
    unlabeled_.push_back({inside, more});
  }

  void check_unlabeled(Kind kind) const {
    for (const auto& folder : unlabeled_)
      if (folder.files.at(kind) == 0)
        throw_data((root_ / folder.inside).string(),
                   fmt::format("the folder of unlabelled examples holds no {}", file_word(kind)),
                   fmt::format("put {}s into it or remove the folder{}", word_for_one(kind),
                               holds_file(kind) ? fmt::format("; {} are read", formats_of(kind)) : ""));
  }

  bool is_unlabeled(const std::string& folder) const {
    return role_of_word(folder) == Role::unlabeled && !listed_.contains(folder);
  }

  Part& part(Role role) { return parts_[role == Role::test ? 1 : role == Role::validation ? 2 : 0]; }

  std::shared_ptr<const Source> finish(Role role, Kind kind, const ClassMap& map, const std::string& encoding) {
    Part& mine = part(role);
    FileList& files = mine.of(kind).files;
    for (int32_t& label : files.labels) label = map(label);
    files.kind = kind;
    files.root = root_;
    files.encoding = encoding;
    for (const Kind other : kFileKinds)
      if (other != kind) files.left_out += mine.count(other);
    for (const auto& [suffix, count] : mine.others) files.left_out += count;
    return std::make_shared<FileListSource>(std::move(files), map.classes);
  }

  /// The examples of a kind over all splits, and of all files that are none.
  int64_t count(Kind kind) const {
    int64_t all = 0;
    for (const Part& part : parts_) all += part.count(kind);
    return all;
  }
  const std::vector<std::string>& unlisted() const { return unlisted_; }
  int64_t captions() const { return parts_[0].captions + parts_[1].captions + parts_[2].captions; }
  int64_t size() const {
    int64_t all = 0;
    for (const Kind kind : kFileKinds) all += count(kind);
    return all;
  }
  int64_t others() const {
    int64_t all = 0;
    for (const Part& part : parts_)
      for (const auto& [suffix, count] : part.others) all += count;
    return all;
  }

  /// Sentences about all that is there and is no example.
  std::vector<std::string> notes(Kind kind) const {
    std::vector<std::string> notes;
    if (!no_classes_.empty()) notes.push_back("folders that are no classes: " + first_of(no_classes_));
    if (!unlisted_.empty()) notes.push_back("left out, as classes= does not list them: " + first_of(unlisted_));
    if (!inner_.empty()) notes.push_back("kept apart from the training set: " + first_of(inner_));
    std::map<std::string, int64_t> suffixes;
    for (const Part& part : parts_)
      for (const auto& [suffix, count] : part.others) suffixes[suffix] += count;
    for (const Kind other : kFileKinds)
      if (other != kind && count(other) > 0)
        suffixes[other == Kind::text ? ".txt" : std::string(word_for_one(other))] += count(other);
    if (!suffixes.empty()) {
      std::vector<std::pair<int64_t, std::string>> order;
      for (const auto& [suffix, count] : suffixes) order.emplace_back(-count, suffix);
      std::sort(order.begin(), order.end());
      std::vector<std::string> words;
      for (const auto& [count, suffix] : order) words.push_back(fmt::format("{} {}", with_commas(-count), suffix));
      notes.push_back("files that are no examples: " + first_of(words));
    }
    if (!broken_.empty()) notes.push_back("links that lead nowhere or in a circle: " + first_of(broken_));
    if (!closed_.empty()) notes.push_back("links to folders, which are not followed here: " + first_of(closed_));
    if (!special_.empty()) notes.push_back("pipes, sockets or devices: " + first_of(special_));
    return notes;
  }

 private:
  struct Unlabeled {
    std::string inside;
    std::map<Kind, int64_t> files;
  };

  void note_links(const std::string& inside, const Listing& listing) {
    for (const auto& name : listing.broken) broken_.push_back(inside + name);
    for (const auto& name : listing.closed) closed_.push_back(inside + name);
    for (const auto& name : listing.special) special_.push_back(inside + name);
  }

  void add_tree(const std::string& inside, const std::string& label, Role role, int depth = 0) {
    if (depth > kDeepest)
      throw_data((root_ / inside).string(), fmt::format("lies more than {} folders deep", kDeepest));
    Listing listing = list_folder((root_ / inside).string(), false);
    note_links(inside, listing);
    add_files(inside, listing.files, label, false, role);
    std::sort(listing.folders.begin(), listing.folders.end(), natural_less);
    for (const auto& folder : listing.folders) {
      // class/train/ and class/test/
      const auto inner = depth == 0 && role == Role::train && !label.empty() ? role_of_word(folder) : std::nullopt;
      const bool apart = inner && !is_training(*inner);
      if (apart) inner_.push_back(inside + folder);
      add_tree(inside + folder + "/", label, apart ? *inner : role, depth + 1);
    }
  }

  /// `label` empty: without one.
  void add_files(const std::string& inside, std::vector<std::string>& names, const std::string& label, bool top,
                 Role role) {
    std::sort(names.begin(), names.end());
    Part& mine = part(role);
    std::string last, last_text;  // stems of the image or recording and of the text before
    for (const auto& name : names) {
      const auto kind = kind_of_file(name);
      if (!kind || (kind == Kind::text && top && is_notice(name))) {
        const std::string suffix = lower(fs::path(name).extension().string());
        ++mine.others[suffix.empty() ? "without a suffix" : suffix];
        continue;
      }
      const std::string stem = name.substr(0, name.rfind('.'));
      std::string& own = kind == Kind::text ? last_text : last;
      own = stem;
      if (last == last_text) {  // whichever comes first by its suffix
        ++mine.captions;
        last_text.clear();
      }
      Found& found = mine.of(*kind);
      found.files.paths.add(inside + name);
      found.files.labels.push_back(found.labels.add(label, inside.substr(0, inside.rfind('/'))));
    }
  }

  fs::path root_;
  std::set<std::string> listed_;  // what classes= names
  bool only_listed_;
  Listing top_;
  std::array<Part, 3> parts_;  // train, test, validation
  std::vector<Unlabeled> unlabeled_;
  std::vector<std::string> no_classes_, unlisted_, inner_, broken_, closed_, special_;
};

/// The folders of the splits, each with a slash behind it; train "" is the root itself, others "" are not there.
struct Splits {
  std::string train, test, validation;
  std::set<std::string> all() const {
    std::set<std::string> names;
    for (const auto& folder : {train, test, validation})
      if (!folder.empty()) names.insert(folder.substr(0, folder.size() - 1));
    return names;
  }
  std::string& of(Role role) { return role == Role::train ? train : role == Role::test ? test : validation; }
};

bool holds_folder_of(const std::string& path, const std::set<std::string>& names) {
  const Listing listing = list_folder(path, true);
  return std::any_of(listing.folders.begin(), listing.folders.end(),
                     [&](const std::string& folder) { return names.contains(folder); });
}

/// Folders by what their names say: as a whole ("test"), or, where every folder's name says it, by a word
/// ("fruits-test"). What classes= lists is a class.
class SplitFinder {
 public:
  SplitFinder(const OpenRequest& request, const Listing& top) : request_(request) {
    const std::set<std::string> listed(request.classes.begin(), request.classes.end());
    std::vector<std::string> plain;  // names that are no role as a whole
    for (const auto& folder : top.folders) {
      const auto role = listed.contains(folder) ? std::nullopt : role_of_word(folder);
      if (role && *role != Role::unlabeled) named_.emplace_back(*role, folder);
      if (!role) plain.push_back(folder);
    }
    classes_.insert(plain.begin(), plain.end());
    if (named_.empty()) find_words(plain, listed);
  }

  Splits find() const {
    const bool train = has(Role::train), judged = has(Role::test) || has(Role::validation);
    if (train && (judged || classes_.empty() || holds_classes(Role::train))) return splits();
    if (!judged || train) return {};
    if (classes_.empty())
      throw_data(request_.path.string(), "holds a test set and nothing to learn from, by the names of its folders",
                 fmt::format("give the folder itself: {}", (request_.path / named_[0].second).string()));
    if (holds_classes(Role::test) || holds_classes(Role::validation)) return splits();
    if (request_.options.classes.empty()) refuse();
    return {};  // what is not listed is left out
  }

 private:
  void find_words(const std::vector<std::string>& names, const std::set<std::string>& listed) {
    std::vector<std::pair<Role, std::string>> found;
    for (const auto& name : names) {
      const std::vector<Role> roles = roles_in_name(name);
      if (roles.size() != 1 || roles[0] == Role::unlabeled || listed.contains(name)) return;
      found.emplace_back(roles[0], name);
    }
    std::swap(named_, found);
    if (has(Role::train) && (has(Role::test) || has(Role::validation)))
      classes_.clear();
    else
      named_.clear();  // test-tube and dev-board are things
  }
  bool has(Role role) const {
    return std::any_of(named_.begin(), named_.end(), [&](const auto& entry) { return entry.first == role; });
  }
  bool holds_classes(Role role) const {
    return std::any_of(named_.begin(), named_.end(), [&](const auto& entry) {
      return entry.first == role && holds_folder_of((request_.path / entry.second).string(), classes_);
    });
  }
  Splits splits() const {
    Splits splits;
    for (const auto& [role, folder] : named_) {
      std::string& place = splits.of(role);
      if (!place.empty())
        throw_data(request_.path.string(),
                   fmt::format("holds {} and {}/, both a {} set by their names", place, folder, to_string(role)),
                   fmt::format("give the one that is meant: {}={}",
                               role == Role::train  ? "data"
                               : role == Role::test ? "data.test"
                                                    : "data.validation",
                               (request_.path / folder).string()));
      place = folder + "/";
    }
    return splits;
  }
  [[noreturn]] void refuse() const {
    const std::string& folder = named_[0].second;
    const std::string others = join({classes_.begin(), classes_.end()}, ",").substr(0, 200);
    throw_data(request_.path.string(),
               fmt::format("holds {}/ beside folders of classes, and nothing says whether it is a class or a {} set",
                           printable(folder), to_string(named_[0].first)),
               fmt::format("say it: classes={},{} makes it a class; classes={} leaves it out", printable(others),
                           printable(folder), printable(others)));
  }

  const OpenRequest& request_;
  std::vector<std::pair<Role, std::string>> named_;
  std::set<std::string> classes_;
};

/// A few of the other kind are no examples: a read-me, a list of classes, a logo. So are texts beside images of the
/// same names, which are captions or boxes.
Kind choose_kind(const OpenRequest& request, const Finder& finder) {
  if (request.options.kind) return *request.options.kind;
  const auto is_stray = [](int64_t few, int64_t many) { return few <= std::max<int64_t>(1, many / 10); };
  const int64_t images = finder.count(Kind::image), sounds = finder.count(Kind::audio),
                texts = finder.count(Kind::text);
  const Kind main = sounds > images ? Kind::audio : Kind::image;
  const int64_t most = std::max(images, sounds), fewer = std::min(images, sounds);
  if (most > 0 && (fewer == 0 || is_stray(fewer, most)) && (texts == 0 || is_stray(texts - finder.captions(), most)))
    return main;
  if (most + fewer == 0) return texts > 0 ? Kind::text : Kind::image;
  if (texts > 0 && is_stray(images + sounds, texts)) return Kind::text;
  std::vector<std::string> found, choices;
  for (const Kind kind : kFileKinds)
    if (const int64_t count = finder.count(kind); count > 0) {
      found.push_back(fmt::format("{} {}s", with_commas(count), word_for_one(kind)));
      choices.push_back(fmt::format("data.kind={}", to_string(kind)));
    }
  throw_data(request.path.string(),
             fmt::format("holds {}, and nothing says which are the examples", join(found, " and ")),
             "say it: " + join(choices, " or "));
}

/// "images (JPEG, …), recordings (WAV, …) or texts (.txt)", or of the kind that was asked for.
std::string wanted_files(const OpenRequest& request) {
  const auto files = [](Kind kind) { return fmt::format("{}s ({})", word_for_one(kind), formats_of(kind)); };
  if (request.options.kind) return files(*request.options.kind);
  return fmt::format("{}, {} or texts (.txt)", files(Kind::image), files(Kind::audio));
}

}  // namespace

Opened open_class_folder(const OpenRequest& request) {
  const Listing top = list_folder(request.path.string(), true);
  const Splits splits = SplitFinder(request, top).find();
  Finder finder(request, top);
  const std::set<std::string> beside = splits.all();
  finder.add_split(splits.train, Role::train, splits.train.empty() ? beside : std::set<std::string>());
  std::vector<std::string> ignored;  // beside train/
  if (!splits.train.empty())
    for (const auto& folder : top.folders) {
      if (finder.is_unlabeled(folder))
        finder.add_unlabeled(folder + "/", Role::train);
      else if (!beside.contains(folder))
        ignored.push_back(folder);
    }
  if (!splits.test.empty()) finder.add_split(splits.test, Role::test, {});
  if (!splits.validation.empty()) finder.add_split(splits.validation, Role::validation, {});
  const Kind kind = choose_kind(request, finder);
  if (kind == Kind::table)
    throw_data(request.path.string(), "holds no table of numbers", "wanted: a CSV, TSV, JSONL or NPY file");
  if (finder.size() == 0 && !finder.unlisted().empty())
    throw_data(request.path.string(),
               "none of the folders that classes= lists holds an example; there are: " + first_of(finder.unlisted()));
  if (finder.part(Role::train).count(kind) == 0)
    throw_data(request.path.string(),
               fmt::format("holds no {} ({} other files)",
                           request.options.kind ? file_word(kind) : "image, no recording and no text (.txt)",
                           finder.others() + finder.size()),
               fmt::format("wanted: a folder of {} for each class, and unlabeled/ for those without a label",
                           wanted_files(request)));
  finder.check_unlabeled(kind);
  Opened opened{nullptr, nullptr, nullptr, finder.notes(kind)};
  if (!ignored.empty()) opened.notes.push_back(fmt::format("left out, beside {}: {}", splits.train, first_of(ignored)));
  const ClassMap map = map_classes(finder.part(Role::train).of(kind).labels, request.classes, NumberLabels::are_names);
  const auto held_out = [&](Role role) -> std::shared_ptr<const Source> {
    Found& found = finder.part(role).of(kind);
    if (found.files.paths.size() == 0) return nullptr;
    const ClassMap mine = map_classes(found.labels, map.classes, NumberLabels::are_names);
    return finder.finish(role, kind, mine, request.options.encoding);
  };
  opened.test = held_out(Role::test);
  if (!splits.test.empty() && !opened.test)
    throw_data((request.path / splits.test).string(), fmt::format("the test set holds no {}", word_for_one(kind)),
               "put examples of each class into it, or remove it");
  opened.validation = held_out(Role::validation);
  opened.train = finder.finish(Role::train, kind, map, request.options.encoding);
  return opened;
}

}  // namespace fewlabel
