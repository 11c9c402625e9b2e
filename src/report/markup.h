// Escaping, figures as text, and careful reading of JSON that may lack anything or come from a stranger.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "fewlabel/config.h"

namespace fewlabel {

/// For element content and quoted attributes; control characters and invalid UTF-8 become U+FFFD.
std::string escape_html(std::string_view text);

/// A sentence for a person as templates/prose.html shows it: what stands between backticks is code.
/// [{"text": "…"}, {"code": "…", "word": whether it is short enough to stay on one line}, …]
Json prose_parts(std::string_view text);

/// A finite number under `key`, if there is one.
std::optional<double> number_of(const Json& json, std::string_view key);
/// Text under `key`, else empty.
std::string text_of(const Json& json, std::string_view key);
/// What stands under `key`, else an empty array or object.
const Json& list_of(const Json& json, std::string_view key);
const Json& object_of(const Json& json, std::string_view key);

/// How fast a training was; runs of earlier versions say images_per_second.
std::optional<double> examples_per_second(const Json& summary);

std::string percent_text(double share, int digits = 1);  // "79.8 %" with a narrow no-break space
std::string count_text(double number);                   // "12,345"
std::string short_number(double number);                 // for axes: "1.5k", "0.03", "2e-05"

/// Width of a base64 PNG in pixels; empty when it is not a base64 PNG.
std::optional<int64_t> png_width(std::string_view base64);
/// Whether it is a WAV file in base64.
bool is_wav(std::string_view base64);

}  // namespace fewlabel
