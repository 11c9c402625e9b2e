#include "onnx/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "core/files.h"
#include "fewlabel/error.h"

namespace fewlabel::onnx {
namespace fs = std::filesystem;

namespace {

constexpr std::pair<int64_t, at::ScalarType> kTypes[] = {
    {1, at::kFloat}, {2, at::kByte},  {3, at::kChar},    {6, at::kInt},       {7, at::kLong},
    {9, at::kBool},  {10, at::kHalf}, {11, at::kDouble}, {16, at::kBFloat16},
};
constexpr std::size_t kMostSides = 16;
constexpr uint64_t kMostLeftOut = uint64_t{8} << 30;  // bytes: the sizes alone cost a hostile file nothing

/// What stands in a TensorProto.
struct TensorFields {
  std::string name;
  std::vector<int64_t> sizes, integers, wide_integers;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::optional<std::string_view> raw;
  std::map<std::string, std::string> external;
  int64_t type = 0;
  bool is_external = false;

  std::string label() const { return name.empty() ? "a constant" : fmt::format("'{}'", shown(name)); }
};

void add_external(WireReader message, TensorFields& fields) {
  std::string key, value;
  while (message.next()) {
    if (message.field() == 1) key = message.text();
    if (message.field() == 2) value = message.text();
  }
  fields.external[key] = value;
}

TensorFields fields_of(WireReader& message) {
  TensorFields fields;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        message.add_to(fields.sizes);
        break;
      case 2:
        fields.type = message.integer();
        break;
      case 3:
        message.refuse("it has a tensor in segments");
      case 4:
        message.add_to(fields.floats);
        break;
      case 5:
        message.add_to(fields.integers);
        break;
      case 7:
        message.add_to(fields.wide_integers);
        break;
      case 8:
        fields.name = message.text();
        break;
      case 9:
        fields.raw = message.text();
        break;
      case 10:
        message.add_to(fields.doubles);
        break;
      case 13:
        add_external(message.message(), fields);
        break;
      case 14:
        fields.is_external = message.integer() == 1;
        break;
      default:
        break;
    }
  }
  return fields;
}

/// Bytes of the whole; refuses overflow, also where a side of 0 hides it (strides are products as well).
uint64_t size_of(const TensorFields& fields, at::ScalarType type, const WireReader& message) {
  if (fields.sizes.size() > kMostSides) message.refuse(fmt::format("{} has too many dimensions", fields.label()));
  auto size = static_cast<int64_t>(c10::elementSize(type));
  bool empty = false;
  for (const int64_t side : fields.sizes) {
    if (side < 0 || __builtin_mul_overflow(size, std::max<int64_t>(side, 1), &size))
      message.refuse(fmt::format("the shape of {} is impossible", fields.label()));
    empty |= side == 0;
  }
  return empty ? 0 : static_cast<uint64_t>(size);
}

/// How many values the field that belongs to the type has.
std::size_t typed_count(const TensorFields& fields, at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return fields.floats.size();
    case at::kDouble:
      return fields.doubles.size();
    case at::kLong:
      return fields.wide_integers.size();
    default:
      return fields.integers.size();
  }
}

template <typename Value>
void narrow(const std::vector<int64_t>& from, void* to) {
  auto* at = static_cast<Value*>(to);
  for (const int64_t value : from) *at++ = static_cast<Value>(value);
}

void copy_typed(const TensorFields& fields, const Tensor& to) {
  void* at = to.data_ptr();
  const auto bytes = static_cast<std::size_t>(to.numel()) * to.element_size();
  switch (to.scalar_type()) {
    case at::kFloat:
      std::memcpy(at, fields.floats.data(), bytes);
      return;
    case at::kDouble:
      std::memcpy(at, fields.doubles.data(), bytes);
      return;
    case at::kLong:
      std::memcpy(at, fields.wide_integers.data(), bytes);
      return;
    case at::kInt:
      return narrow<int32_t>(fields.integers, at);
    case at::kHalf:
    case at::kBFloat16:
      return narrow<uint16_t>(fields.integers, at);  // their bits
    default:
      return narrow<uint8_t>(fields.integers, at);
  }
}

/// The file of external data, which a hostile graph would like to be /etc/passwd.
fs::path external_file(const fs::path& graph, const TensorFields& fields, const WireReader& message) {
  const auto location = fields.external.find("location");
  if (location == fields.external.end())
    message.refuse(fmt::format("{} does not say where its data are", fields.label()));
  const fs::path folder = graph.has_parent_path() ? graph.parent_path() : fs::path("."), relative(location->second);
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  if (error) throw_storage(folder, "read", error.value());
  const bool climbs = std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end();
  const bool odd = relative.empty() || location->second.find('\0') != std::string::npos;
  fs::path file = odd ? fs::path() : fs::canonical(folder / relative, error);
  if (!odd && !climbs && relative.is_relative() && error == std::errc::no_such_file_or_directory)
    throw Error(ErrorKind::storage, graph.string(),
                fmt::format("keeps its weights in '{}', which is not beside it", shown(location->second)),
                "copy both files into the same folder");
  const bool inside = !error && std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  if (odd || climbs || relative.is_absolute() || !inside)
    throw Error(ErrorKind::storage, graph.string(),
                fmt::format("keeps the data of {} in '{}', which is outside its own folder", fields.label(),
                            shown(location->second)),
                "put the file itself, not a link to it, into the folder of the ONNX file");
  return file;
}

uint64_t external_number(const TensorFields& fields, const char* key, uint64_t missing, const WireReader& message) {
  const auto found = fields.external.find(key);
  if (found == fields.external.end()) return missing;
  const auto number = number_after(found->second, "");
  if (!number) message.refuse(fmt::format("the {} of {} is no number", key, fields.label()));
  return static_cast<uint64_t>(*number);
}

}  // namespace

std::optional<int64_t> onnx_type(at::ScalarType type) {
  for (const auto& [number, known] : kTypes)
    if (known == type) return number;
  return std::nullopt;
}

std::optional<at::ScalarType> scalar_type(int64_t onnx_type) {
  for (const auto& [number, known] : kTypes)
    if (number == onnx_type) return known;
  return std::nullopt;
}

std::string onnx_type_name(int64_t onnx_type) {
  constexpr const char* kNames[] = {"undefined",      "float",    "uint8",        "int8",           "uint16",
                                    "int16",          "int32",    "int64",        "string",         "bool",
                                    "float16",        "double",   "uint32",       "uint64",         "complex64",
                                    "complex128",     "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
                                    "float8e5m2fnuz", "uint4",    "int4",         "float4e2m1"};
  if (onnx_type < 0 || onnx_type >= std::ssize(kNames)) return fmt::format("of number {}", onnx_type);
  return kNames[onnx_type];
}

Tensor TensorReader::read(WireReader message, std::string* name) {
  const TensorFields fields = fields_of(message);
  if (name) *name = fields.name;
  const auto type = scalar_type(fields.type);
  if (!type)
    throw Error(ErrorKind::data, file_.string(),
                fmt::format("has values of the type {} ({}), which cannot be trained", onnx_type_name(fields.type),
                            fields.label()),
                "export it in float32, without quantisation");
  const uint64_t size = size_of(fields, *type, message), count = size / c10::elementSize(*type);
  const bool typed =
      !fields.integers.empty() || !fields.wide_integers.empty() || !fields.floats.empty() || !fields.doubles.empty();
  const bool has_data = typed || fields.raw || fields.is_external;
  fs::path external;
  uint64_t offset = 0;
  if (fields.is_external) {
    external = external_file(file_, fields, message);
    const uint64_t there = regular_file_size(external);
    offset = external_number(fields, "offset", 0, message);
    const uint64_t length = external_number(fields, "length", size, message);
    if (offset > there || size > there - offset)
      message.refuse(fmt::format("the data of {} lie outside their file", fields.label()));
    if (length != size) message.refuse(fmt::format("the size of {} is not that of its shape", fields.label()));
  } else if (fields.raw) {
    if (fields.raw->size() != size)
      message.refuse(fmt::format("the size of {} is not that of its shape", fields.label()));
  } else if (typed) {
    if (typed_count(fields, *type) != count)
      message.refuse(fmt::format("{} has not as many values as its shape says", fields.label()));
  } else if (size > 0) {
    if (weights_ == Weights::in_file || !c10::isFloatingType(*type))
      throw Error(ErrorKind::storage, file_.string(), fmt::format("has no data for {}", fields.label()),
                  "use the file that the net was exported to, with its weights");
    if (size > kMostLeftOut - left_out_) message.refuse("the weights that it leaves out are impossibly large");
    left_out_ += size;
  }
  try {
    if (!has_data) return at::zeros(fields.sizes, *type);
    Tensor tensor = at::empty(fields.sizes, *type);
    if (size == 0) return tensor;
    if (fields.is_external)
      read_bytes(external, offset, tensor.data_ptr(), size);
    else if (fields.raw)
      std::memcpy(tensor.data_ptr(), fields.raw->data(), size);
    else
      copy_typed(fields, tensor);
    // Bytes that are neither 0 nor 1 are no truth values to a processor.
    return *type == at::kBool ? tensor.view(at::kByte).ne(0) : tensor;
  } catch (const c10::Error&) {
    throw Error(ErrorKind::memory, file_.string(),
                fmt::format("{} needs {} bytes, more than there is memory", fields.label(), size));
  }
}

WireWriter format_tensor(const std::string& name, const Tensor& tensor, bool with_data) {
  WireWriter message;
  for (const int64_t side : tensor.sizes()) message.integer(1, side);
  message.integer(2, onnx_type(tensor.scalar_type()).value_or(0));
  message.text(8, name);
  if (!with_data) return message;
  const Tensor values = tensor.detach().to(at::kCPU).contiguous();
  const auto size = static_cast<std::size_t>(values.numel()) * values.element_size();
  message.text(9, {static_cast<const char*>(values.data_ptr()), size});
  return message;
}

uint64_t regular_file_size(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) throw_storage(path, "read", EISDIR);
  const uint64_t size = fs::file_size(path, error);
  if (error) throw_storage(path, "read", error.value());
  if (!fs::is_regular_file(path, error)) throw_storage(path, "read", EINVAL);
  return size;
}

void read_bytes(const fs::path& path, uint64_t offset, void* to, uint64_t size) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_storage(path, "read", errno);
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(static_cast<char*>(to), static_cast<std::streamsize>(size));
  if (!file) throw Error(ErrorKind::storage, path.string(), "ends before its last byte", "use an undamaged copy");
}

}  // namespace fewlabel::onnx
