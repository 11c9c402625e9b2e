#include "modalities/text/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "helpers.h"
#include "modalities/text/tokenizer/train_bpe.h"

namespace fewlabel {
namespace {

using Json = nlohmann::json;
using ::fewlabel::testing::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

Json word_level(const Json& vocabulary = {{"[UNK]", 0}, {"cat", 1}, {"the", 2}}) {
  return {{"model", {{"type", "WordLevel"}, {"unk_token", "[UNK]"}, {"vocab", vocabulary}}},
          {"pre_tokenizer", {{"type", "Whitespace"}}}};
}

Tokenizer parsed(const Json& file) { return Tokenizer::parse(file.dump(), "some/tokenizer.json"); }

std::vector<std::string> few_texts() {
  return {"the cat sat on the mat", "The dog sat on the log!", "cats and dogs", "żółw, 東京 and 😁 too"};
}

TEST(Tokenizer, IsReadFromAFile) {
  const testing::TemporaryFolder folder;
  const Tokenizer tokenizer = Tokenizer::read(folder.write("tokenizer.json", word_level().dump()));
  EXPECT_EQ(tokenizer.ids("the cat barks"), (std::vector<int32_t>{2, 1, 0}));
  EXPECT_EQ(tokenizer.size(), 3);
  EXPECT_EQ(tokenizer.id("cat"), 1);
  EXPECT_EQ(tokenizer.id("dog"), std::nullopt);
  EXPECT_EQ(tokenizer.token(2), "the");
  EXPECT_EQ(tokenizer.token(7), "");
  EXPECT_EQ(tokenizer.token(-1), "");
  EXPECT_EQ(tokenizer.unknown(), 0);
  EXPECT_EQ(error_of([&] { Tokenizer::read(folder / "none.json"); }).kind(), ErrorKind::storage);
}

TEST(Tokenizer, TokensWithATaskAreKnown) {
  const Tokenizer learnt = train_byte_bpe(few_texts(), {.size = 300});
  EXPECT_EQ(learnt.padding(), 0);
  EXPECT_EQ(learnt.cls(), 2);
  EXPECT_EQ(learnt.sep(), 3);
  EXPECT_EQ(learnt.mask(), 4);
  EXPECT_TRUE(learnt.special(4));
  EXPECT_FALSE(learnt.special(5));
  EXPECT_EQ(parsed(word_level()).mask(), std::nullopt);
}

TEST(Tokenizer, OffsetsAreBytesOfTheText) {
  const auto tokens = parsed(word_level()).encode("żółw the");
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0].end, 7);
  EXPECT_EQ(tokens[1].begin, 8);
  EXPECT_EQ(tokens[1].end, 11);
}

TEST(Tokenizer, BytesThatAreNoTextAreReplaced) {
  const Tokenizer tokenizer = train_byte_bpe(few_texts(), {.size = 300, .prefix_space = false});
  for (const std::string text : {"a\xff\xfe", "\xe6\x9d", "\xf0\x9f\x98 x"}) {
    const auto tokens = tokenizer.encode(text, false);
    ASSERT_FALSE(tokens.empty());
    EXPECT_EQ(tokens.back().end, static_cast<int32_t>(text.size()));
    EXPECT_THAT(tokenizer.decode(tokenizer.ids(text)), HasSubstr("\xEF\xBF\xBD"));
  }
}

TEST(Tokenizer, LearntTokensGiveTheTextBack) {
  for (const bool lower : {false, true}) {
    const Tokenizer tokenizer = train_byte_bpe(few_texts(), {.size = 320, .lower_case = lower, .prefix_space = false});
    EXPECT_EQ(tokenizer.decode(tokenizer.ids("cat 東京 \n\t x̧ 😁")), "cat 東京 \n\t x̧ 😁");
    EXPECT_EQ(tokenizer.decode(tokenizer.ids("THE Cat")), lower ? "the cat" : "THE Cat");
    EXPECT_EQ(tokenizer.ids(""), (std::vector<int32_t>{2, 3}));
  }
}

TEST(Tokenizer, LearningIsRepeatable) {
  EXPECT_EQ(train_byte_bpe(few_texts(), {.size = 320}).json(), train_byte_bpe(few_texts(), {.size = 320}).json());
}

TEST(Tokenizer, LearningStopsWhereNothingRepeats) {
  EXPECT_EQ(train_byte_bpe(few_texts(), {.size = 300, .least_count = 1000}).size(), 261);
  EXPECT_EQ(train_byte_bpe(std::vector<std::string>{}, {.size = 300}).size(), 261);
  EXPECT_EQ(error_of([] { train_byte_bpe(few_texts(), {.size = 100}); }).kind(), ErrorKind::usage);
}

TEST(Tokenizer, ThreadsGetTheSameTokens) {
  const Tokenizer tokenizer = train_byte_bpe(few_texts(), {.size = 320});
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) texts.push_back(few_texts()[static_cast<std::size_t>(i) % 4] + std::to_string(i));
  std::vector<std::vector<int32_t>> wanted;
  for (const auto& text : texts) wanted.push_back(tokenizer.ids(text));
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      const Tokenizer other = train_byte_bpe(few_texts(), {.size = 290});  // its words must not be taken for ours
      for (std::size_t i = 0; i < texts.size(); ++i) {
        other.ids(texts[i]);
        wrong[t] += tokenizer.ids(texts[i]) != wanted[i] ? 1 : 0;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Tokenizer, AFullCacheBeginsAnew) {
  const Tokenizer tokenizer = train_byte_bpe(few_texts(), {.size = 270});
  for (int i = 0; i < 70000; ++i) tokenizer.ids("w" + std::to_string(i));
  EXPECT_EQ(tokenizer.decode(tokenizer.ids("w69999")), " w69999");
}

TEST(Tokenizer, WordsWithoutATokenAreRefusedWhereNothingStandsForThem) {
  const Tokenizer tokenizer = parsed(word_level({{"cat", 0}}));
  EXPECT_EQ(tokenizer.ids("cat"), (std::vector<int32_t>{0}));
  const Error error = error_of([&] { tokenizer.ids("dog"); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("some/tokenizer.json"), HasSubstr("[UNK]")));
}

}  // namespace
}  // namespace fewlabel
