// Each component against PyPI's `tokenizers`: the values of scripts/golden/tokenization.py.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "modalities/text/tokenizer/tokenizer.h"
#include "modalities/text/tokenizer/train_bpe.h"

namespace fewlabel {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

const Json& golden() {
  static const Json content = [] {
    std::ifstream file(FEWLABEL_GOLDEN "/tokenizers.json");
    return Json::parse(file);
  }();
  return content;
}

void check(const Tokenizer& tokenizer, const Json& test) {
  const auto text = test.at("text").get<std::string>();
  SCOPED_TRACE("the text: " + test.at("text").dump(-1, ' ', true));
  Ids ids;
  std::vector<std::vector<int32_t>> offsets;
  for (const Token& token : tokenizer.encode(text)) {
    ids.push_back(token.id);
    offsets.push_back({token.begin, token.end});
  }
  EXPECT_EQ(ids, test.at("ids").get<Ids>());
  EXPECT_EQ(offsets, test.at("offsets").get<std::vector<std::vector<int32_t>>>());
  EXPECT_EQ(tokenizer.ids(text), test.at("ids").get<Ids>());
  EXPECT_EQ(tokenizer.ids(text, false), test.at("plain_ids").get<Ids>());
  EXPECT_EQ(tokenizer.decode(ids), test.at("decoded").get<std::string>());
  EXPECT_EQ(tokenizer.decode(ids, false), test.at("decoded_whole").get<std::string>());
}

TEST(TokenizerGolden, EachComponentIsTheReferences) {
  ASSERT_GE(golden().at("entries").size(), 70u);
  for (const Json& entry : golden().at("entries")) {
    const auto name = entry.at("name").get<std::string>();
    SCOPED_TRACE(name);
    const Tokenizer tokenizer = Tokenizer::parse(entry.at("tokenizer").dump(), name);
    const Tokenizer again = Tokenizer::parse(tokenizer.json(), name);
    for (const Json& test : entry.value("cases", Json::array())) {
      check(tokenizer, test);
      check(again, test);
    }
    for (const Json& test : entry.value("decodes", Json::array()))
      EXPECT_EQ(tokenizer.decode(test.at("ids").get<Ids>()), test.at("text").get<std::string>())
          << test.at("ids").dump();
  }
}

TEST(TokenizerGolden, MergesAreThoseOfTheReferencesTrainer) {
  for (const Json& training : golden().at("trainings")) {
    BpeTraining wanted;
    wanted.size = training.at("size");
    wanted.least_count = 2;
    wanted.lower_case = training.at("lower_case");
    const auto texts = training.at("texts").get<std::vector<std::string>>();
    const Json model = Json::parse(train_byte_bpe(texts, wanted).json()).at("model");
    EXPECT_EQ(model.at("merges"), training.at("merges"));
    EXPECT_EQ(model.at("vocab"), training.at("vocab"));
  }
}

}  // namespace
}  // namespace fewlabel
