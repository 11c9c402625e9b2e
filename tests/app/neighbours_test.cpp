// Labelled examples that are near to others, by what is left of features without their mean.
#include "app/neighbours.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(Neighbours, AreThoseOfOneDirectionNearestFirst) {
  // All far from zero in the same direction, which says nothing.
  const Tensor labelled = torch::tensor({{101.0, 100.0}, {99.0, 100.0}, {100.0, 101.0}, {100.0, 99.0}});
  const Tensor asked = torch::tensor({{105.0, 101.0}, {100.0, 90.0}});
  const auto found = nearest(labelled, asked, 2);
  ASSERT_EQ(found.size(), 2U);
  ASSERT_EQ(found[0].size(), 2U);
  EXPECT_EQ(found[0][0].place, 0);
  EXPECT_EQ(found[0][1].place, 2);
  EXPECT_NEAR(found[0][0].likeness, 5 / std::sqrt(26.0), 1e-6);
  EXPECT_EQ(found[1][0].place, 3);
  EXPECT_NEAR(found[1][0].likeness, 1, 1e-6);
}

TEST(Neighbours, AreNoMoreThanThereAreLabels) {
  const auto found = nearest(torch::rand({2, 3}), torch::rand({1, 3}), 3);
  EXPECT_EQ(found[0].size(), 2U);
}

}  // namespace
}  // namespace fewlabel
