#include "data/sources/encoding.h"

#include <fmt/format.h>
#include <iconv.h>

#include <cerrno>
#include <memory>

#include "core/text.h"
#include "data/byte_file.h"
#include "fewlabel/error.h"

namespace fewlabel {
namespace {

struct CloseConverter {
  void operator()(iconv_t handle) const { iconv_close(handle); }
};
using Converter = std::unique_ptr<std::remove_pointer_t<iconv_t>, CloseConverter>;

/// Names that people write and iconv does not know.
std::string for_iconv(const std::string& encoding) {
  std::string plain;
  for (const char c : lower(encoding))
    if (c != '-' && c != '_' && c != ' ') plain += c;
  if (plain == "latin1" || plain == "latin") return "ISO-8859-1";
  if (plain == "latin9") return "ISO-8859-15";
  if (plain == "windows1252" || plain == "ansi") return "CP1252";
  return encoding;
}

Converter open_converter(const std::string& encoding) {
  // A name with a slash would switch iconv to guessing at what it cannot write.
  const bool plain = encoding.find('/') == std::string::npos;
  const iconv_t handle = plain ? iconv_open("UTF-8", for_iconv(encoding).c_str()) : iconv_t(-1);
  if (handle == iconv_t(-1))
    throw Error(ErrorKind::usage, "data.encoding", fmt::format("'{}' is no encoding that is known", encoding),
                "wanted a name such as utf-8, latin-1, cp1252 or gb18030; `iconv --list` shows all");
  return Converter(handle);
}

std::string convert(std::string_view bytes, const std::string& encoding, std::size_t unit) {
  const Converter converter = open_converter(encoding);
  std::string result, room(1 << 16, '\0');
  char* in = const_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  while (left > 0) {
    char* out = room.data();
    std::size_t space = room.size();
    const std::size_t code = iconv(converter.get(), &in, &left, &out, &space);
    const int reason = code == std::size_t(-1) ? errno : 0;
    result.append(room.data(), room.size() - space);
    if (reason == 0) break;
    if (reason == E2BIG) continue;
    result += '\xff';
    const std::size_t skipped = reason == EINVAL ? left : std::min(unit, left);
    in += skipped;
    left -= skipped;
  }
  return result;
}

}  // namespace

std::string to_utf8(std::string bytes, const std::string& encoding) {
  const std::string wanted = lower(encoding);
  if (!wanted.empty() && wanted != "utf-8" && wanted != "utf8")
    return convert(bytes, encoding, wanted.starts_with("utf-16") || wanted.starts_with("utf16") ? 2 : 1);
  const std::string_view text = bytes;
  if (text.starts_with("\xff\xfe")) return convert(text.substr(2), "UTF-16LE", 2);
  if (text.starts_with("\xfe\xff")) return convert(text.substr(2), "UTF-16BE", 2);
  if (text.starts_with("\xef\xbb\xbf")) bytes.erase(0, 3);
  return bytes;
}

std::string read_text(const std::filesystem::path& path, int64_t limit, const std::string& encoding) {
  const ByteFile file(path);
  if (file.size() > limit)
    throw_data(path.string(), fmt::format("has {} bytes, more than the {} MiB that are read at most",
                                          with_commas(file.size()), limit >> 20));
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()});
  return to_utf8(std::move(bytes), encoding);
}

}  // namespace fewlabel
