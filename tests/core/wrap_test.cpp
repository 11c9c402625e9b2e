#include "core/wrap.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(Wrap, BreaksBetweenWordsOnly) {
  EXPECT_EQ(wrap("one two three", 2, 9), "  one two\n  three\n");
  EXPECT_EQ(wrap("a-word-that-is-too-wide b", 0, 9), "a-word-that-is-too-wide\nb\n");
  EXPECT_EQ(wrap("é é é é", 0, 7), "é é é é\n") << "columns, not bytes";
  EXPECT_EQ(wrap("a\n\nb", 2, 9), "  a\n\n  b\n");
}

TEST(Fold, LeavesWhatFitsAndHangsTheRest) {
  EXPECT_EQ(fold("key    value\n  short\n", 20), "key    value\n  short\n");
  EXPECT_EQ(fold("  one two three four", 12), "  one two\n    three\n    four");
  EXPECT_EQ(fold("", 10), "");
}

}  // namespace
}  // namespace fewlabel
