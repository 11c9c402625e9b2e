#include "report/markup.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "core/text.h"

namespace fewlabel {
namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

const Json& member(const Json& json, std::string_view key) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto at = json.find(std::string(key));
  return at == json.end() ? none : *at;
}

/// The first 24 bytes of a file in base64; none when it is shorter or not base64 to its end.
std::string decoded_head(std::string_view base64) {
  constexpr std::size_t kHead = 32;  // of a PNG: signature, length and name of IHDR, width, height
  const auto body = base64.substr(0, base64.find_last_not_of('=') + 1);
  if (body.size() < kHead) return {};
  for (const char c : body)
    if (base64_value(c) < 0) return {};
  std::string head;
  for (std::size_t i = 0; i < kHead; i += 4) {
    uint32_t bits = 0;
    for (std::size_t j = 0; j < 4; ++j) bits = bits << 6 | static_cast<uint32_t>(base64_value(body[i + j]));
    for (const int shift : {16, 8, 0}) head += static_cast<char>(bits >> shift & 0xFF);
  }
  return head;
}

}  // namespace

std::string escape_html(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length > 1)
      safe += text.substr(0, length);
    else if (length == 0 || (static_cast<uint8_t>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      safe += kReplacement;
    else if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (c == '\'')
      safe += "&#39;";
    else
      safe += c;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return safe;
}

Json prose_parts(std::string_view text) {
  Json parts = Json::array();
  const auto add = [&](std::string_view plain) {
    if (!plain.empty()) parts.push_back({{"text", std::string(plain)}});
  };
  while (!text.empty()) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) break;
    const std::string_view code = text.substr(open + 1, close - open - 1);
    const bool word = code.size() <= 24 && code.find(' ') == std::string_view::npos;
    add(text.substr(0, open));
    if (!code.empty()) parts.push_back({{"code", std::string(code)}, {"word", word}});
    text.remove_prefix(close + 1);
  }
  add(text);
  return parts;
}

std::optional<double> number_of(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::string text_of(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

const Json& list_of(const Json& json, std::string_view key) {
  static const Json none = Json::array();
  const Json& value = member(json, key);
  return value.is_array() ? value : none;
}

const Json& object_of(const Json& json, std::string_view key) {
  static const Json none = Json::object();
  const Json& value = member(json, key);
  return value.is_object() ? value : none;
}

std::optional<double> examples_per_second(const Json& summary) {
  const auto speed = number_of(summary, "examples_per_second");
  return speed ? speed : number_of(summary, "images_per_second");
}

std::string percent_text(double share, int digits) { return fmt::format("{:.{}f}\u202f%", 100 * share, digits); }

std::string count_text(double number) {
  return std::abs(number) < 9e15 ? with_commas(static_cast<int64_t>(std::llround(number)))
                                 : fmt::format("{:.3g}", number);
}

std::string short_number(double number) {
  const double size = std::abs(number);
  if (size >= 1e6) return fmt::format("{:.4g}M", number / 1e6);
  if (size >= 1e3) return fmt::format("{:.4g}k", number / 1e3);
  return fmt::format("{:.3g}", number);
}

std::optional<int64_t> png_width(std::string_view base64) {
  const std::string head = decoded_head(base64);
  if (!head.starts_with("\x89PNG\r\n\x1a\n")) return std::nullopt;
  int64_t width = 0;
  for (std::size_t i = 16; i < 20; ++i) width = width << 8 | static_cast<uint8_t>(head[i]);
  return width;
}

bool is_wav(std::string_view base64) {
  const std::string head = decoded_head(base64);
  return head.starts_with("RIFF") && head.compare(8, 4, "WAVE") == 0;
}

}  // namespace fewlabel
