#include "onnx/wire.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "core/text.h"
#include "fewlabel/error.h"

namespace fewlabel::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "protobuf is little-endian");

constexpr int kDeepest = 32;  // an ONNX file without control flow has seven messages inside each other

constexpr std::size_t kShown = 120;

}  // namespace

std::string shown(std::string_view name) {
  return printable(std::string(name.substr(0, kShown))) + (name.size() > kShown ? "…" : "");
}

void WireReader::refuse(const std::string& why) const {
  throw Error(ErrorKind::storage, *where_, "is not a sound ONNX file: " + why, "use an undamaged copy");
}

uint64_t WireReader::take_varint() {
  uint64_t value = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    if (i >= left_.size()) refuse("it ends within a number");
    const auto byte = static_cast<unsigned char>(left_[i]);
    if (i == 9 && byte > 1) break;
    value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) {
      left_.remove_prefix(i + 1);
      return value;
    }
  }
  refuse("it has a number of more than 64 bits");
}

uint64_t WireReader::take_fixed(std::size_t size) {
  if (size > left_.size()) refuse("it ends within a number");
  uint64_t value = 0;
  std::memcpy(&value, left_.data(), size);
  left_.remove_prefix(size);
  return value;
}

bool WireReader::next() {
  if (left_.empty()) return false;
  const uint64_t tag = take_varint();
  if (tag >> 3 == 0 || tag > UINT32_MAX) refuse("it has a field without a number");
  field_ = static_cast<uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0:
      type_ = Type::varint;
      number_ = take_varint();
      return true;
    case 1:
      type_ = Type::fixed64;
      number_ = take_fixed(8);
      return true;
    case 2: {
      type_ = Type::text;
      const uint64_t length = take_varint();
      if (length > left_.size()) refuse(fmt::format("it ends within field {}", field_));
      text_ = left_.substr(0, length);
      left_.remove_prefix(length);
      return true;
    }
    case 5:
      type_ = Type::fixed32;
      number_ = take_fixed(4);
      return true;
    default:
      refuse(fmt::format("field {} has the wire type {}, which ONNX never uses", field_, tag & 7));
  }
}

void WireReader::expect(Type type) const {
  if (type_ != type)
    refuse(fmt::format("field {} has the wire type {} instead of {}", field_, static_cast<int>(type_),
                       static_cast<int>(type)));
}

int64_t WireReader::integer() const {
  expect(Type::varint);
  return static_cast<int64_t>(number_);
}

float WireReader::real() const {
  expect(Type::fixed32);
  return std::bit_cast<float>(static_cast<uint32_t>(number_));
}

std::string_view WireReader::text() const {
  expect(Type::text);
  return text_;
}

WireReader WireReader::message() const {
  expect(Type::text);
  if (depth_ >= kDeepest) refuse("its messages are nested too deep");
  return {text_, *where_, depth_ + 1};
}

void WireReader::add_to(std::vector<int64_t>& values) const {
  if (type_ != Type::text) {
    values.push_back(integer());
    return;
  }
  WireReader packed(text_, *where_, depth_);
  while (!packed.left_.empty()) values.push_back(static_cast<int64_t>(packed.take_varint()));
}

template <typename Value>
void WireReader::add_fixed(std::vector<Value>& values, Type single) const {
  const auto add = [&values](const char* at, std::size_t count) {
    const std::size_t before = values.size();
    values.resize(before + count);
    if (count > 0) std::memcpy(values.data() + before, at, count * sizeof(Value));
  };
  if (type_ != Type::text) {
    expect(single);
    add(reinterpret_cast<const char*>(&number_), 1);
    return;
  }
  if (text_.size() % sizeof(Value) != 0) refuse(fmt::format("field {} ends within a number", field_));
  add(text_.data(), text_.size() / sizeof(Value));
}

void WireReader::add_to(std::vector<float>& values) const { add_fixed(values, Type::fixed32); }
void WireReader::add_to(std::vector<double>& values) const { add_fixed(values, Type::fixed64); }

void WireWriter::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void WireWriter::integer(uint32_t field, int64_t value) {
  tag(field, 0);
  varint(static_cast<uint64_t>(value));
}

void WireWriter::real(uint32_t field, float value) {
  tag(field, 5);
  bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void WireWriter::text(uint32_t field, std::string_view bytes) {
  tag(field, 2);
  varint(bytes.size());
  bytes_.append(bytes);
}

}  // namespace fewlabel::onnx
