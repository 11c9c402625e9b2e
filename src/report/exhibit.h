// How one example is shown to a person: a picture, a text or a sound. Whoever knows what an example is makes one, the
// run folder keeps it as JSON (docs/run-folder.md), and every section of the report that shows examples draws it alike.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "fewlabel/config.h"

namespace fewlabel {

/// A part of a text that spoke for (above 0) or against (below 0) the answer.
struct Mark {
  std::size_t begin = 0, end = 0;  // bytes of the text, [begin, end)
  double weight = 0;               // −1 … 1
};

struct Exhibit {
  enum class Kind { picture, text, sound } kind = Kind::picture;
  std::string png;  // the bytes of the file: of a picture; of a sound its spectrogram, may be empty
  std::string text;
  std::vector<Mark> marks;
  std::string wav;  // the bytes of the file
};

/// {"kind": "picture", "png": base64}, {"kind": "text", "text": "…", "marks": [[begin, end, weight], …]} or
/// {"kind": "sound", "wav": base64, "png": base64}. A byte of the text that is no UTF-8 becomes '?', which moves no
/// mark.
void to_json(Json& json, const Exhibit& exhibit);

/// What templates/exhibit.html shows for an item of evaluation.json: its "exhibit", or the picture "png_base64" of
/// runs that only knew pictures. Null when it has neither, or one that is not what it says it is. `about` describes it
/// to whoever cannot see or hear it.
Json exhibit_view(const Json& item, const std::string& about);

/// Whether a view shows something that needs the width of a line: all but pictures do.
bool is_wide(const Json& view);

}  // namespace fewlabel
