// What the tests of texts and tables ask of a source.
#pragma once
#include "files.h"

namespace fewlabel::testing {

inline std::string text_of(const Source& source, int64_t index) {
  const Raw raw = source.raw(index);
  return {raw.bytes.begin(), raw.bytes.end()};
}

inline std::vector<std::string> texts_of(const Source& source) {
  std::vector<std::string> texts;
  for (int64_t i = 0; i < source.size(); ++i) texts.push_back(text_of(source, i));
  return texts;
}

/// "text → class" of each example, "-" for none, "!" for one that cannot be read.
inline std::vector<std::string> pairs_of(const Source& source) {
  std::vector<std::string> pairs;
  for (int64_t i = 0; i < source.size(); ++i) {
    const int32_t label = source.label(i);
    std::string text = "!";
    try {
      text = text_of(source, i);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data);
    }
    pairs.push_back(text + " → " + (label < 0 ? "-" : source.classes()[static_cast<std::size_t>(label)]));
  }
  return pairs;
}

inline std::unique_ptr<ExampleStore> store_of_texts(const Dataset& data, bool strict = false) {
  return make_store(data.train, modality_of(*data.train),
                    {.layout = {Kind::text, Layout::Type::i32, {8}}, .strict = strict});
}

}  // namespace fewlabel::testing
