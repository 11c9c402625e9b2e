#include "eval/transcripts.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(Mistakes, are_counted_by_words_and_characters) {
  const Mistakes other = word_mistakes("the cat sat", "the cat sit"), gone = word_mistakes("the cat sat", "the sat"),
                 more = word_mistakes("the cat sat", "the cat sat down");
  EXPECT_EQ(other.substituted, 1);
  EXPECT_EQ(gone.deleted, 1);
  EXPECT_EQ(more.inserted, 1);
  for (const Mistakes& one : {other, gone, more}) {
    EXPECT_EQ(one.count(), 1);
    EXPECT_DOUBLE_EQ(one.rate(), 1.0 / 3);
  }
  const Mistakes words = word_mistakes("the cat sat on the mat", "the cat sit on mat today");
  EXPECT_DOUBLE_EQ(words.rate(), 0.5);
  EXPECT_EQ(character_mistakes("kitten", "sitting").count(), 3);
  EXPECT_EQ(character_mistakes("für  uns ", "fur uns").count(), 1);  // one character of two bytes; spaces alike
  EXPECT_EQ(word_mistakes("one two", "one two").rate(), 0);
  EXPECT_EQ(word_mistakes("", "").rate(), 0);
  EXPECT_EQ(word_mistakes("", "one two").rate(), 2);
  EXPECT_EQ(word_mistakes("one two three four", "").rate(), 1);
  Mistakes sum = words;
  sum += word_mistakes("a b", "a b");
  EXPECT_DOUBLE_EQ(sum.rate(), 3.0 / 8);
}

}  // namespace
}  // namespace fewlabel
