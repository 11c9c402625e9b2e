// WebDataset shards: tar files whose members of one example share the name up to its first dot and follow each other.
// https://github.com/webdataset/webdataset
#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/hash.h"
#include "core/text.h"
#include "core/work.h"
#include "data/class_list.h"
#include "data/sources/fields.h"
#include "data/sources/file_list.h"
#include "data/sources/roles.h"
#include "data/sources/table.h"
#include "data/sources/tar.h"
#include "data/suffixes.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMostKept = int64_t{1} << 30;  // bytes in memory of compressed shards, which cannot be read at random
constexpr int64_t kLongestLabel = 1 << 16;
constexpr std::size_t kMostShards = 100'000;  // that a pattern may name

/// Where the encoded image or recording of one example lies.
struct Member {
  int64_t offset = 0;  // of its header
  int64_t kept = -1;   // in Index::kept, where its shard is compressed
  uint32_t shard = 0;
};

struct Index {
  std::vector<fs::path> shards;
  TextList names;
  std::vector<Member> members;
  std::vector<int32_t> labels;
  std::vector<Bytes> kept;
  int64_t left_out = 0, kept_bytes = 0;
  std::optional<Kind> kind = {};  // of the first example
};

struct MemberName {
  std::string key, suffix;  // "a/0001" and "jpg"
};

MemberName split_name(const std::string& name) {
  const auto slash = name.rfind('/');
  const auto dot = name.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), lower(std::string_view(name).substr(dot + 1))};
}

/// Of a member: itself or a folder that it lies in.
bool is_hidden(const std::string& name) {
  for (const auto& part : split_text(name, '/'))
    if (part != "." && is_hidden_name(part)) return true;
  return false;
}

std::string example_name(const fs::path& shard, const std::string& key) {
  return shard.filename().string() + "/" + key;
}

class ShardSource : public Source, public Gathered, public Fingerprinted {
 public:
  ShardSource(Index index, std::vector<std::string> classes) : index_(std::move(index)), classes_(std::move(classes)) {}
  int64_t size() const override { return index_.names.size(); }
  std::string name(int64_t index) const override { return std::string(index_.names[index]); }
  int32_t label(int64_t index) const override { return index_.labels[static_cast<std::size_t>(index)]; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return index_.kind.value_or(Kind::image); }
  Raw raw(int64_t index) const override {
    const Member& member = index_.members[static_cast<std::size_t>(index)];
    if (member.kept >= 0) return {index_.kept[static_cast<std::size_t>(member.kept)]};
    const fs::path& shard = index_.shards[member.shard];
    TarWalker walker(shard, member.offset);
    if (!walker.next() || example_name(shard, split_name(walker.name()).key) != name(index))
      throw_data(shard.string(), fmt::format("no longer holds '{}' where it was: the shard has changed", name(index)),
                 "start again with the shard as it is now");
    return {walker.read(kMaxEncodedBytes)};
  }
  int64_t left_out() const override { return index_.left_out; }
  std::string fingerprint() const override {
    Hasher hasher;
    for (const fs::path& shard : index_.shards) add_file_stamp(hasher, shard.string());
    return hasher.hex();
  }

 private:
  Index index_;
  std::vector<std::string> classes_;
};

/// Reads the index of shards; labels are provisional.
class Indexer {
 public:
  /// A label in `wanted` is one, however it is spelled.
  explicit Indexer(const std::vector<std::string>& wanted) : wanted_(wanted) {}

  void add_shard(const fs::path& path, Role role) {
    labeled_ = role != Role::unlabeled;
    const auto shard = static_cast<uint32_t>(index_.shards.size());
    index_.shards.push_back(path);
    TarWalker walker(path);
    Pending pending;
    while (walker.next()) {
      work_.advance();
      if (is_hidden(walker.name())) continue;
      const auto [key, suffix] = split_name(walker.name());
      if (key != pending.key) {
        flush(pending, path);
        pending = Pending{key, {}, {}};
      }
      read_member(walker, suffix, shard, pending);
    }
    flush(pending, path);
  }

  Index finish(const ClassMap& map) {
    for (int32_t& label : index_.labels) label = map(label);
    return std::move(index_);
  }
  int64_t size() const { return index_.names.size(); }
  const LabelTexts& labels() const { return labels_; }

 private:
  struct Pending {
    std::string key;
    std::optional<Member> file;
    std::string label;
  };

  void read_member(TarWalker& walker, const std::string& suffix, uint32_t shard, Pending& pending) {
    const std::string where = walker_place(shard, walker.name());
    const auto kind = kind_of_file(walker.name());
    if (kind && holds_file(*kind) && index_.kind.value_or(*kind) == *kind) {
      index_.kind = kind;
      if (pending.file)
        throw_data(where, fmt::format("is a second {} of the same example", word_for_one(*kind)),
                   "give each its own name before the first dot");
      pending.file = {walker.offset(), walker.compressed() ? keep(walker) : -1, shard};
    } else if (suffix == "cls" || suffix == "json") {
      if (!labeled_) return;
      const Bytes bytes = walker.read(kLongestLabel);
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      check_utf8(text, where);
      std::string label = suffix == "cls" ? trim(text) : label_from_json(text, where);
      const bool listed = std::find(wanted_.begin(), wanted_.end(), label) != wanted_.end();
      if (label.empty() || (is_missing(label) && !listed)) return;
      if (!pending.label.empty() && pending.label != label)
        throw_data(where, fmt::format("gives the label '{}' beside '{}'", label, pending.label));
      pending.label = std::move(label);
    } else {
      ++index_.left_out;
    }
  }

  int64_t keep(TarWalker& walker) {
    const std::string& shard = index_.shards.back().string();
    index_.kept_bytes += walker.size();
    if (index_.kept_bytes > kMostKept)
      throw_data(shard, "compressed shards must be kept in memory, and these hold more than 1 GiB",
                 "decompress them: a plain .tar is read in place");
    index_.kept.push_back(walker.read(kMaxEncodedBytes));
    return static_cast<int64_t>(index_.kept.size()) - 1;
  }

  void flush(const Pending& pending, const fs::path& path) {
    if (!pending.file) {
      if (!pending.label.empty())
        throw_data(path.string(),
                   fmt::format("'{}' has a label but no {} beside it", pending.key,
                               word_for_one(index_.kind.value_or(Kind::image))),
                   fmt::format("the members of one example must follow each other; {} are read",
                               formats_of(index_.kind.value_or(Kind::image))));
      return;
    }
    index_.names.add(example_name(path, pending.key));
    index_.members.push_back(*pending.file);
    index_.labels.push_back(labels_.add(pending.label, path.string() + "/" + pending.key));
  }

  std::string walker_place(uint32_t shard, const std::string& member) const {
    return index_.shards[shard].string() + "/" + member;
  }

  const std::vector<std::string>& wanted_;
  bool labeled_ = true;
  Index index_;
  LabelTexts labels_;
  Work work_{"indexing shards", 0};
};

bool parse_whole(const std::string& text, int64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

/// WebDataset's ranges: "{000..002}" is three patterns, with zeros in front as they stand.
std::vector<std::string> expand_ranges(const std::string& pattern) {
  for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{', open + 1)) {
    const auto close = pattern.find('}', open);
    const auto dots = pattern.find("..", open);
    if (close == std::string::npos || dots == std::string::npos || dots > close) continue;
    const std::string from = pattern.substr(open + 1, dots - open - 1), to = pattern.substr(dots + 2, close - dots - 2);
    int64_t first = 0, last = 0;
    if (!parse_whole(from, first) || !parse_whole(to, last)) continue;
    if (last < first || last - first >= static_cast<int64_t>(kMostShards))
      throw_data(pattern, fmt::format("the range {{{}..{}}} is empty or longer than {}", from, to, kMostShards));
    const std::size_t width = from.size() > 1 && from[0] == '0' ? from.size() : 0;
    std::vector<std::string> all;
    for (int64_t number = first; number <= last; ++number)
      for (std::string& name :
           expand_ranges(pattern.substr(0, open) + fmt::format("{:0{}}", number, width) + pattern.substr(close + 1))) {
        all.push_back(std::move(name));
        if (all.size() > kMostShards) throw_data(pattern, fmt::format("names more than {} shards", kMostShards));
      }
    return all;
  }
  return {pattern};
}

std::vector<fs::path> matching(const fs::path& pattern) {
  std::vector<fs::path> shards;
  for (const std::string& one : expand_ranges(pattern.string())) {
    glob_t found{};
    const bool any = glob(one.c_str(), GLOB_BRACE, nullptr, &found) == 0;
    for (std::size_t i = 0; any && i < found.gl_pathc; ++i) shards.emplace_back(found.gl_pathv[i]);
    globfree(&found);
    // A shard that a range counts and that is not there would be missed in silence.
    if (!any && one != pattern.string() && one.find_first_of("*?[{") == std::string::npos)
      throw_data(one, fmt::format("does not exist, and {} names it", pattern.string()));
  }
  if (shards.empty()) throw_data(pattern.string(), "no file matches the pattern");
  for (const auto& shard : shards)
    if (!is_shard(shard)) throw_data(shard.string(), "matches the pattern but is no tar shard by its name");
  return shards;
}

std::vector<fs::path> find_shards(const fs::path& path) {
  std::vector<fs::path> shards;
  if (fs::is_directory(path)) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path))
      if (is_shard(entry.path()) && entry.is_regular_file(ignored)) shards.push_back(entry.path());
  } else {
    shards = fs::exists(path) ? std::vector{path} : matching(path);
  }
  std::sort(shards.begin(), shards.end(),
            [](const fs::path& a, const fs::path& b) { return natural_less(a.native(), b.native()); });
  return shards;
}

}  // namespace

bool is_shard(const fs::path& file) {
  const std::string name = lower(file.filename().string());
  if (name.starts_with(".")) return false;
  for (const auto* suffix : {".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"})
    if (name.ends_with(suffix)) return true;
  return false;
}

bool is_shard_folder(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder))
    if (is_shard(entry.path()) && entry.is_regular_file(ignored)) return true;
  return false;
}

Opened open_shards(const OpenRequest& request) {
  const auto shards = find_shards(request.path);
  auto wanted = request.classes;
  if (wanted.empty()) wanted = read_class_file((shards[0].parent_path() / "classes.txt").string());
  std::vector<Role> roles;
  for (const auto& shard : shards)
    roles.push_back(role_in_name(shard.string(), shard.filename().string()).value_or(Role::train));
  // Shards of one purpose alone are what is asked for: data.test=test.tar.
  if (std::all_of(roles.begin(), roles.end(), [&](Role role) { return role == roles[0]; }))
    std::fill(roles.begin(), roles.end(), Role::train);
  Indexer train(wanted), test(wanted), validation(wanted);
  for (std::size_t i = 0; i < shards.size(); ++i)
    (is_training(roles[i]) ? train : roles[i] == Role::test ? test : validation).add_shard(shards[i], roles[i]);
  if (train.size() == 0 && test.size() + validation.size() > 0)
    throw_data(request.path.string(), "has shards to test on but none to train on",
               "give one of them: data=… data.test=…");
  const ClassMap map = map_classes(train.labels(), wanted, NumberLabels::may_be_indices);
  Opened opened;
  const auto finish = [&](Indexer& part) -> std::shared_ptr<const Source> {
    if (part.size() == 0) return nullptr;
    const ClassMap mine = map_classes(part.labels(), map.classes, NumberLabels::may_be_indices);
    return std::make_shared<ShardSource>(part.finish(mine), map.classes);
  };
  opened.test = finish(test);
  opened.validation = finish(validation);
  opened.train = std::make_shared<ShardSource>(train.finish(map), map.classes);
  return opened;
}

}  // namespace fewlabel
