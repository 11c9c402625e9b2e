#include "modalities/text/tokenizer/decoder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "modalities/text/tokenizer/regex.h"
#include "modalities/text/tokenizer/unicode.h"

namespace fewlabel::tokenizing {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  if (from.empty() || text.find(from) == std::string_view::npos) return std::string(text);
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    result.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return result.append(text.substr(done));
}

// As Rust's from_utf8_lossy: one U+FFFD for each longest beginning of a character that is cut off.
std::string lossy(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t good = valid_until(bytes);
    text += bytes.substr(0, good);
    bytes.remove_prefix(good);
    if (bytes.empty()) break;
    text += kReplacement;
    // A beginning is one when some byte after it makes a character, or a longer beginning.
    std::size_t bad = 1;
    const auto begins = [](std::string_view part, std::size_t size) {
      std::string whole(part);
      for (const char second : {'\x80', '\x90', '\xA0', '\xBF'}) {
        whole.resize(part.size());
        if (whole.size() < size) whole += second;
        whole.resize(size, '\x80');
        if (utf8_length(whole) == size) return true;
      }
      return false;
    };
    const std::size_t wanted = size_of_first(bytes[0]);
    while (bad < bytes.size() && bad < wanted && continues(bytes[bad]) && begins(bytes.substr(0, bad + 1), wanted))
      ++bad;
    bytes.remove_prefix(bad);
  }
  return text;
}

void read_bytes(std::vector<std::string>& tokens) {
  std::string bytes;
  for (const std::string& token : tokens) {
    const std::size_t before = bytes.size();
    for (std::size_t at = 0; at < token.size();) {
      const Decoded character = decode_at(token, at);
      at += character.size;
      const int byte = byte_of_character(character.code);
      if (byte < 0) {
        bytes.resize(before);
        bytes += token;
        break;
      }
      bytes += static_cast<char>(static_cast<unsigned char>(byte));
    }
  }
  tokens = {lossy(bytes)};
}

std::string tidy(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kRules[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kRules) text = replaced(text, from, to);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The byte that "<0x0A>" stands for; -1: none.
int byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  const int high = hex_digit(token[3]), low = hex_digit(token[4]);
  if (token[3] == '+' && low >= 0) return low;  // Rust reads a sign
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

void fall_back(std::vector<std::string>& tokens) {
  std::vector<std::string> result;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (valid_until(bytes) == bytes.size())
      result.push_back(bytes);
    else
      result.insert(result.end(), bytes.size(), std::string(kReplacement));
    bytes.clear();
  };
  for (std::string& token : tokens) {
    const int byte = byte_of_token(token);
    if (byte >= 0) {
      bytes += static_cast<char>(static_cast<unsigned char>(byte));
      continue;
    }
    flush();
    result.push_back(std::move(token));
  }
  flush();
  tokens = std::move(result);
}

std::string stripped(const std::string& token, char32_t content, int64_t start, int64_t stop) {
  std::vector<std::size_t> places;  // where characters begin
  for (std::size_t at = 0; at < token.size(); at += size_of_first(token[at])) places.push_back(at);
  places.push_back(token.size());
  std::size_t first = 0, last = places.size() - 1;
  while (start-- > 0 && first < places.size() - 1 && decode_at(token, places[first]).code == content) ++first;
  while (stop-- > 0 && last > first && decode_at(token, places[last - 1]).code == content) --last;
  return token.substr(places[first], places[last] - places[first]);
}

Decoder read_replace(const JsonPart& part) {
  const std::string content = part.text("content");
  const JsonPart pattern = part.at("pattern");
  if (!pattern.find("Regex")) {
    const std::string literal = pattern.text("String");
    return [literal, content](std::vector<std::string>& tokens) {
      for (std::string& token : tokens) token = replaced(token, literal, content);
    };
  }
  const Regex regex(pattern.text("Regex"), part.where());
  return [regex, content](std::vector<std::string>& tokens) {
    std::vector<Match> matches;
    for (std::string& token : tokens) {
      matches.clear();
      regex.matches(token, matches);
      std::string result;
      for (const Match& match : matches)
        result += match.hit ? content : token.substr(match.begin, match.end - match.begin);
      token = std::move(result);
    }
  };
}

Decoder read_word_piece(const JsonPart& part) {
  const std::string prefix = part.text("prefix", "##");
  const bool tidies = part.flag("cleanup", true);
  return [prefix, tidies](std::vector<std::string>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (i > 0) tokens[i] = tokens[i].starts_with(prefix) ? tokens[i].substr(prefix.size()) : " " + tokens[i];
      if (tidies) tokens[i] = tidy(std::move(tokens[i]));
    }
  };
}

Decoder read_metaspace(const JsonPart& part) {
  std::string mark;
  append_utf8(mark, part.character("replacement"));
  const bool prepends = part.text("prepend_scheme", "always") != "never" && part.flag("add_prefix_space", true);
  return [mark, prepends](std::vector<std::string>& tokens) {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = replaced(tokens[i], mark, i == 0 && prepends ? "" : " ");
  };
}

Decoder read_ctc(const JsonPart& part) {
  const std::string padding = part.text("pad_token", "<pad>"), delimiter = part.text("word_delimiter_token", "|");
  const bool tidies = part.flag("cleanup", true);
  return [padding, delimiter, tidies](std::vector<std::string>& tokens) {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& token : tokens) {
      token = replaced(token, padding, "");
      if (tidies) token = replaced(tidy(std::move(token)), delimiter, " ");
    }
    std::erase(tokens, std::string());
  };
}

}  // namespace

void read_decoder(const JsonPart& part, std::vector<Decoder>& steps) {
  const std::string type = part.type();
  if (type == "Sequence") {
    for (const JsonPart& step : part.list("decoders")) read_decoder(step, steps);
  } else if (type == "ByteLevel") {
    steps.emplace_back(read_bytes);
  } else if (type == "WordPiece") {
    steps.push_back(read_word_piece(part));
  } else if (type == "Metaspace") {
    steps.push_back(read_metaspace(part));
  } else if (type == "BPEDecoder") {
    const std::string suffix = part.text("suffix", "</w>");
    steps.emplace_back([suffix](std::vector<std::string>& tokens) {
      for (std::size_t i = 0; i < tokens.size(); ++i)
        tokens[i] = replaced(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
    });
  } else if (type == "ByteFallback") {
    steps.emplace_back(fall_back);
  } else if (type == "Fuse") {
    steps.emplace_back([](std::vector<std::string>& tokens) { tokens = {join(tokens, "")}; });
  } else if (type == "Replace") {
    steps.push_back(read_replace(part));
  } else if (type == "Strip") {
    const char32_t content = part.character("content");
    const int64_t start = part.number("start", 0, 1 << 20), stop = part.number("stop", 0, 1 << 20);
    steps.emplace_back([content, start, stop](std::vector<std::string>& tokens) {
      for (std::string& token : tokens) token = stripped(token, content, start, stop);
    });
  } else if (type == "CTC") {
    steps.push_back(read_ctc(part));
  } else {
    part.unknown(type);
  }
}

}  // namespace fewlabel::tokenizing
