#include "train/pace.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(Pace, WithoutACorrectionAPlaceIsTheNumberOfUpdates) {
  const Pace pace(3700);
  for (const int64_t done : {0, 1, 7, 1234, 3699, 3700}) EXPECT_EQ(pace.place(done), static_cast<double>(done));
}

TEST(Pace, HoweverOftenItIsCorrectedThePlanEndsWithTheLastUpdate) {
  Pace pace(1000);
  pace.correct(100, 200);  // twice as slow as planned, and more
  EXPECT_DOUBLE_EQ(pace.place(100), 100);
  EXPECT_DOUBLE_EQ(pace.place(150), 550);
  pace.correct(150, 1050);
  EXPECT_DOUBLE_EQ(pace.place(150), 550);
  EXPECT_DOUBLE_EQ(pace.place(600), 775);
  EXPECT_DOUBLE_EQ(pace.place(pace.total()), 1000);
}

TEST(Pace, IsTheSameAfterItWasSaved) {
  Pace pace(1000), again(1000);
  pace.correct(333, 700);
  again.load(pace.save());
  for (const int64_t done : {333, 500, 700}) EXPECT_EQ(pace.place(done), again.place(done));
}

TEST(Budget, SaysNothingWithoutOneOrTooSoonOrWhereNothingIsNew) {
  EXPECT_EQ(Budget(0, 0, 0).fitting(50, 100, 1000), 0);
  EXPECT_EQ(Budget(100, 0, 0).fitting(5, 0.5, 1000), 0);
  EXPECT_EQ(Budget(100, 0, 0).fitting(50, 5, 1000), 0);  // 0.1 s each: 1000 fit, as planned
}

TEST(Budget, FitsTheUpdatesToWhatTheyTake) {
  EXPECT_EQ(Budget(100, 0, 0).fitting(50, 10, 1000), 50 + 450);    // twice as slow
  EXPECT_EQ(Budget(100, 0, 0).fitting(100, 5, 1000), 100 + 1900);  // twice as fast
  Budget late(100, 400, 90);                                       // resumed
  EXPECT_EQ(late.fitting(410, 92, 1000), 410 + 40);
  EXPECT_EQ(late.fitting(430, 101, 1000), 431);  // the time is up
}

}  // namespace
}  // namespace fewlabel
