// The wire format of protobuf, as far as ONNX files use it: https://protobuf.dev/programming-guides/encoding. Our own,
// since an official libtorch carries a libprotobuf inside itself, and a second one in the same process breaks both.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewlabel::onnx {

/// A name out of a file, for messages: printable, and cut where it is long.
std::string shown(std::string_view name);

/// Reads a message field by field and takes no memory for it: texts are views of the bytes, which must outlive the
/// reader. All functions throw Error{storage} that names `where` for what is cut off, too deep or of the wrong type.
class WireReader {
 public:
  /// `where`, the file, must outlive the reader, too.
  WireReader(std::string_view bytes, const std::string& where) : WireReader(bytes, where, 0) {}

  bool next();                               // goes to the next field; false at the end
  uint32_t field() const { return field_; }  // its number

  int64_t integer() const;        // a varint
  float real() const;             // 4 bytes
  std::string_view text() const;  // bytes with a length before them
  WireReader message() const;     // the same, read as a message
  /// Adds what stands here to a repeated field: one value, or several packed ones.
  void add_to(std::vector<int64_t>& values) const;
  void add_to(std::vector<float>& values) const;
  void add_to(std::vector<double>& values) const;

  [[noreturn]] void refuse(const std::string& why) const;

 private:
  enum class Type : uint8_t { varint = 0, fixed64 = 1, text = 2, fixed32 = 5 };
  WireReader(std::string_view bytes, const std::string& where, int depth)
      : left_(bytes), where_(&where), depth_(depth) {}
  uint64_t take_varint();
  uint64_t take_fixed(std::size_t size);
  void expect(Type type) const;
  template <typename Value>
  void add_fixed(std::vector<Value>& values, Type single) const;

  std::string_view left_, text_;  // what is still to come; the current field, where it is a text
  const std::string* where_;
  int depth_;
  uint32_t field_ = 0;
  Type type_ = Type::varint;
  uint64_t number_ = 0;  // the current field, where it is none
};

/// Puts a message together.
class WireWriter {
 public:
  void integer(uint32_t field, int64_t value);
  void real(uint32_t field, float value);
  void text(uint32_t field, std::string_view bytes);
  void message(uint32_t field, const WireWriter& message) { text(field, message.bytes()); }
  const std::string& bytes() const { return bytes_; }

 private:
  void varint(uint64_t value);
  void tag(uint32_t field, uint32_t type) { varint(uint64_t{field} << 3 | type); }

  std::string bytes_;
};

}  // namespace fewlabel::onnx
