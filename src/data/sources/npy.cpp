// NPY 1.0 to 3.0, the format of numpy.save: a magic string, a header written as a Python dictionary, then the values.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>

#include "core/text.h"
#include "data/class_list.h"
#include "data/sources/records.h"
#include "data/sources/roles.h"
#include "data/sources/rows.h"
#include "data/sources/sources.h"

namespace fewlabel {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kLongestHeader = 1 << 16;

struct Array {
  std::shared_ptr<const ByteFile> file;
  std::string type;  // as NumPy writes it: "|u1", "<f4"
  std::vector<int64_t> shape;
  int64_t offset = 0;
  int64_t item = 0;  // bytes a value
};

/// The text after `'key':`, up to but without `end`.
std::string entry(const std::string& header, const std::string& key, const std::string& where, std::string_view ends) {
  const auto at = header.find("'" + key + "'");
  const auto colon = at == std::string::npos ? at : header.find(':', at);
  const auto end = colon == std::string::npos ? colon : header.find_first_of(ends, colon);
  if (end == std::string::npos) throw_data(where, fmt::format("its NPY header has no '{}'", key));
  return trim(header.substr(colon + 1, end - colon - 1));
}

std::vector<int64_t> parse_shape(const std::string& header, const std::string& where) {
  std::string text = entry(header, "shape", where, ")");
  if (text.empty() || text[0] != '(') throw_data(where, "its NPY header has no tuple as 'shape'");
  std::vector<int64_t> shape;
  for (const auto& part : split_text(std::string_view(text).substr(1), ',')) {
    const std::string number = trim(part);
    if (number.empty()) continue;
    int64_t size = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), size);
    if (error != std::errc() || end != number.data() + number.size() || size < 0)
      throw_data(where, fmt::format("its NPY header has '{}' in 'shape'; wanted whole numbers", number));
    shape.push_back(size);
  }
  return shape;
}

Array open_array(const fs::path& path) {
  const std::string where = path.string();
  Array array{std::make_shared<ByteFile>(path), {}, {}, 0, 0};
  uint8_t start[12] = {};
  if (array.file->size() < 12) throw_data(where, "is too short for an NPY file");
  array.file->read_at(0, start);
  if (std::memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3)
    throw_data(where, "is not an NPY file of version 1, 2 or 3");
  const int64_t prefix = start[6] == 1 ? 10 : 12;
  int64_t length = start[8] | start[9] << 8;
  if (prefix == 12) length |= int64_t{start[10]} << 16 | int64_t{start[11]} << 24;
  if (length > kLongestHeader || prefix + length > array.file->size())
    throw_data(where, fmt::format("its NPY header claims {} bytes", length));
  std::string header(static_cast<std::size_t>(length), '\0');
  array.file->read_at(prefix, {reinterpret_cast<uint8_t*>(header.data()), header.size()});
  array.type = entry(header, "descr", where, ",}");
  if (array.type.size() >= 2 && (array.type[0] == '\'' || array.type[0] == '"'))
    array.type = array.type.substr(1, array.type.size() - 2);
  if (array.type.find('O') != std::string::npos)
    throw_data(where, "holds pickled Python objects, which are never read", "save a plain array of numbers");
  if (entry(header, "fortran_order", where, ",}") != "False")
    throw_data(where, "is stored in Fortran order", "save numpy.ascontiguousarray(x) instead");
  if (array.type.size() >= 2 && (array.type[1] == 'U' || array.type[1] == 'S'))
    throw_data(
        where, fmt::format("holds texts (type '{}'), where numbers are wanted", array.type),
        "names, y = numpy.unique(y, return_inverse=True) gives numbers; list the names in classes.txt beside them");
  if (array.type.size() != 3 || (array.type[0] != '<' && array.type[0] != '|') || array.type[2] < '1' ||
      array.type[2] > '8')
    throw_data(where, fmt::format("has values of type '{}'; wanted little-endian numbers", array.type));
  array.item = array.type[2] - '0';
  array.shape = parse_shape(header, where);
  array.offset = prefix + length;
  int64_t bytes = array.item;
  for (const int64_t size : array.shape)
    if (__builtin_mul_overflow(bytes, size, &bytes)) throw_data(where, "its NPY header claims an impossible shape");
  if (array.file->size() - array.offset != bytes)
    throw_data(where, fmt::format("has {} bytes of values where its header promises {}",
                                  array.file->size() - array.offset, bytes));
  return array;
}

ImageShape image_shape(const Array& array, PixelOrder order, const std::string& where) {
  const auto& n = array.shape;
  for (const int64_t size : n)
    if (size > INT32_MAX) throw_data(where, "its NPY header claims an impossible shape");
  const auto at = [&](std::size_t d) { return static_cast<int32_t>(n[d]); };
  if (n.size() == 3) return {at(1), at(2), 1};
  return order == PixelOrder::planar ? ImageShape{at(2), at(3), at(1)} : ImageShape{at(1), at(2), at(3)};
}

RecordBlock open_images(const fs::path& path, int64_t max_pixels) {
  const Array array = open_array(path);
  const std::string where = path.string();
  RecordBlock block;
  if (array.type == "|u1")
    block.value = PixelValue::byte;
  else if (array.type == "<f4")
    block.value = PixelValue::float32;
  else if (array.type == "<f8")
    block.value = PixelValue::float64;
  else
    throw_data(where,
               fmt::format("has images of type '{}'; wanted uint8, or float32 or float64 in [0, 1]", array.type));
  const auto& n = array.shape;
  if (n.size() != 3 && n.size() != 4)
    throw_data(where,
               fmt::format("has {} dimensions; wanted N × height × width, with channels last or first", n.size()));
  const auto is_channels = [](int64_t size) { return size == 1 || size == 3 || size == 4; };
  if (n.size() == 4 && !is_channels(n[3]) && is_channels(n[1])) block.order = PixelOrder::planar;
  block.name = path.filename().string();
  block.file = array.file;
  block.offset = array.offset;
  block.count = n[0];
  block.shape = image_shape(array, block.order, where);
  check_record_shape(where, block.shape, max_pixels);
  block.stride = block.shape.bytes() * value_bytes(block.value);
  return block;
}

/// A value of an array of numbers; kind and width as NumPy writes them.
double number_at(const uint8_t* from, char kind, std::size_t width) {
  if (kind == 'f') {
    float single = 0;
    double wide = 0;
    std::memcpy(width == 4 ? static_cast<void*>(&single) : &wide, from, width);
    return width == 4 ? static_cast<double>(single) : wide;
  }
  uint64_t bits = 0;
  std::memcpy(&bits, from, width);
  const int shift = static_cast<int>(64 - 8 * width);  // extends the sign
  return kind == 'i' ? static_cast<double>(static_cast<int64_t>(bits << shift) >> shift) : static_cast<double>(bits);
}

/// Whole numbers, which may be stored as floats; −1 and NaN are unlabelled.
std::vector<int32_t> read_labels(const fs::path& path, int64_t count) {
  const Array array = open_array(path);
  const std::string where = path.string();
  if (array.shape.empty() || array.shape[0] != count || (array.shape.size() == 2 && array.shape[1] != 1) ||
      array.shape.size() > 2)
    throw_data(where, fmt::format("has labels of shape ({}) for {} images", fmt::join(array.shape, ", "), count));
  const char kind = array.type[1];
  const bool wide_float = kind == 'f' && (array.item == 4 || array.item == 8);
  if (kind != 'u' && kind != 'i' && kind != 'b' && !wide_float)
    throw_data(where, fmt::format("has labels of type '{}'; wanted whole numbers", array.type));
  Bytes raw(static_cast<std::size_t>(count * array.item));
  array.file->read_at(array.offset, raw);
  std::vector<int32_t> labels;
  labels.reserve(static_cast<std::size_t>(count));
  const auto item = static_cast<std::size_t>(array.item);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const double value = number_at(raw.data() + i * item, kind, item);
    if (std::isnan(value)) {
      labels.push_back(kUnlabeled);
      continue;
    }
    if (value < -1 || value > 1'000'000)
      throw_data(where, fmt::format("label {} of example {} is out of range; -1 means unlabelled", value, i));
    if (value != std::floor(value))
      throw_data(where, fmt::format("label {} of example {} is no whole number", value, i));
    labels.push_back(static_cast<int32_t>(value));
  }
  return labels;
}

/// What a file is by its name.
struct Naming {
  bool images = false, labels = false;
  Role role = Role::train;
  std::string key;  // what a pair has in common
};

/// train_images.npy, x_test.npy, y-val.npy, labels.npy, …
std::optional<Naming> naming_of(const fs::path& path) {
  const std::string stem = path.stem().string();
  if (path.extension() != ".npy" || stem.starts_with(".")) return {};
  Naming naming;
  std::string words = lower(stem);
  std::replace(words.begin(), words.end(), '-', '_');
  for (const auto& part : split_text(words, '_')) {
    if (part == "images" || part == "x" || part == "data")
      naming.images = true;
    else if (part == "labels" || part == "y" || part == "targets")
      naming.labels = true;
    else
      naming.key += part + "_";
  }
  if (naming.images == naming.labels) return {};
  naming.role = role_in_name(path.string(), stem).value_or(Role::train);
  return naming;
}

/// The images or the labels of a folder, by what a pair has in common.
std::map<std::string, fs::path> find_arrays(const fs::path& folder, bool Naming::*kind) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder)) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  std::map<std::string, fs::path> found;
  for (const auto& file : files) {
    const auto naming = naming_of(file);
    if (!naming || !((*naming).*kind)) continue;
    if (const auto [place, fresh] = found.emplace(naming->key, file); !fresh)
      throw_data(folder.string(),
                 fmt::format("holds both {} and {}, and nothing says which is meant", place->second.filename().string(),
                             file.filename().string()),
                 "keep one of them");
  }
  return found;
}

/// An array of examples and that of their labels, if there is one.
struct Pair {
  fs::path values, labels;
  Role role = Role::train;
};

Pair pair_of(const fs::path& values, const std::map<std::string, fs::path>& labels, const Naming& naming) {
  const auto found = labels.find(naming.key);
  return {values, found == labels.end() ? fs::path() : found->second, naming.role};
}

RecordBlock open_block(const Pair& pair, int64_t max_pixels) {
  RecordBlock block = open_images(pair.values, max_pixels);
  if (!pair.labels.empty() && pair.role != Role::unlabeled) block.labels = read_labels(pair.labels, block.count);
  return block;
}

/// N × D floats are rows of numbers; bytes of two dimensions would be images that lost their shape.
bool is_rows(const fs::path& path) {
  const Array array = open_array(path);
  return array.shape.size() == 2 && (array.type == "<f4" || array.type == "<f8");
}

void read_rows(const Pair& pair, NumberRows& rows) {
  const std::string where = pair.values.string();
  if (!is_rows(pair.values)) throw_data(where, "holds no rows of numbers as the array beside it does");
  const Array array = open_array(pair.values);
  const int64_t count = array.shape[0], columns = array.shape[1];
  if (columns < 1 || columns > 1'000'000 || (rows.columns != 0 && rows.columns != columns))
    throw_data(where, fmt::format("has {} columns of numbers; wanted 1 to 1,000,000, the same in each array", columns));
  rows.columns = static_cast<int32_t>(columns);
  rows.files.emplace_back(pair.values.filename().string(), rows.size());
  const bool labeled = !pair.labels.empty() && pair.role != Role::unlabeled;
  const auto labels = labeled ? read_labels(pair.labels, count) : std::vector<int32_t>();
  Bytes raw(static_cast<std::size_t>(columns * array.item));
  for (int64_t i = 0; i < count; ++i) {
    array.file->read_at(array.offset + i * columns * array.item, raw);
    const auto item = static_cast<std::size_t>(array.item);
    for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c)
      rows.values.push_back(static_cast<float>(number_at(raw.data() + item * c, 'f', item)));
    rows.add(labels.empty() ? kUnlabeled : labels[static_cast<std::size_t>(i)], i, {});
  }
}

Opened open_rows(const std::vector<Pair>& pairs, const std::vector<std::string>& wanted, const OpenRequest& request) {
  NumberRows train, test, validation;
  for (const Pair& pair : pairs)
    read_rows(pair, is_training(pair.role) ? train : pair.role == Role::test ? test : validation);
  for (const auto* rows : {&test, &validation})
    if (rows->size() > 0 && rows->columns != train.columns)
      throw_data(request.path.string(),
                 fmt::format("the {} set has {} columns of numbers, the training set {}",
                             rows == &test ? "test" : "validation", rows->columns, train.columns));
  const auto classes = number_classes({&train.labels, &test.labels, &validation.labels}, wanted, request.path.string());
  Opened opened;
  if (test.size() > 0) opened.test = make_number_source(std::move(test), classes);
  if (validation.size() > 0) opened.validation = make_number_source(std::move(validation), classes);
  opened.train = make_number_source(std::move(train), classes);
  return opened;
}

Opened open_blocks(const std::vector<Pair>& pairs, const std::vector<std::string>& wanted, const OpenRequest& request) {
  RecordSplits splits;
  for (const Pair& pair : pairs) splits.of(pair.role).push_back(open_block(pair, request.options.max_pixels));
  return open_records(std::move(splits), wanted, request.path.string());
}

}  // namespace

bool is_npy_folder(const fs::path& folder) {
  for (const auto& file : fs::directory_iterator(folder))
    if (const auto naming = naming_of(file.path()); naming && naming->images) return true;
  return false;
}

Opened open_npy(const OpenRequest& request) {
  const bool one_file = !fs::is_directory(request.path);
  const fs::path folder = one_file ? fs::absolute(request.path).parent_path() : request.path;
  std::vector<Pair> pairs;
  if (one_file) {
    const auto naming = naming_of(request.path);  // a file of any other name has no labels beside it
    const bool images = naming && naming->images;
    const auto labels = images ? find_arrays(folder, &Naming::labels) : std::map<std::string, fs::path>();
    pairs.push_back(pair_of(request.path, labels, naming.value_or(Naming{})));
    pairs[0].role = Role::train;
  } else {
    const auto labels = find_arrays(folder, &Naming::labels);
    for (const auto& [key, path] : find_arrays(folder, &Naming::images))
      pairs.push_back(pair_of(path, labels, *naming_of(path)));
    if (std::none_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return is_training(pair.role); }))
      throw_data(request.path.string(), "has test images but no training images");
  }
  auto wanted = request.classes;
  if (wanted.empty()) wanted = read_class_file((folder / "classes.txt").string());
  return is_rows(pairs[0].values) ? open_rows(pairs, wanted, request) : open_blocks(pairs, wanted, request);
}

}  // namespace fewlabel
