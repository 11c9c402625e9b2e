#include "app/warnings.h"

#include <gmock/gmock.h>

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A healthy run on three classes, judged on a test set.
Observed healthy() {
  return {.classes = {"cat", "dog", "emu"},
          .labels = {8, 8, 8},
          .judged_called = {310, 330, 360},
          .judged_true = {333, 333, 334},
          .unlabelled = {610, 640, 750},
          .unlabelled_true = {},
          .labels_asked = 24,
          .labels_right = 24,
          .temperature = 1.7,
          .accuracy = 0.8};
}

/// The same without anything to judge by.
Observed unjudged() {
  Observed seen = healthy();
  seen.judged_called = seen.judged_true = {};
  seen.temperature = seen.accuracy = std::nullopt;
  return seen;
}

std::vector<std::string> kinds(const Observed& seen) {
  std::vector<std::string> kinds;
  for (const Warning& warning : warnings_of(seen)) kinds.push_back(warning.kind);
  return kinds;
}

TEST(Warnings, AHealthyRunGetsNone) {
  EXPECT_THAT(kinds(healthy()), IsEmpty());
  EXPECT_THAT(kinds(unjudged()), IsEmpty());
  EXPECT_THAT(kinds({}), IsEmpty());
  Observed perfect = healthy();  // then no temperature is small enough
  perfect.accuracy = 1;
  perfect.temperature = 0.05;
  EXPECT_THAT(kinds(perfect), IsEmpty());
}

TEST(Warnings, EverythingIsCalledOneClass) {
  for (Observed seen : {healthy(), unjudged()}) {
    (seen.judged_called.empty() ? seen.unlabelled : seen.judged_called) = {10, 985, 5};
    seen.unlabelled = {20, 1970, 10};
    ASSERT_THAT(kinds(seen), ElementsAre("one_class"));
    EXPECT_THAT(warnings_of(seen)[0].sentence, HasSubstr("98 % of the"));
    EXPECT_THAT(warnings_of(seen)[0].sentence, HasSubstr("called 'dog', but 33 % of"));
  }
}

TEST(Warnings, OneClassIsFineWhereNearlyAllAreOfIt) {
  Observed seen = healthy();
  seen.judged_called = {950, 40, 10};
  seen.judged_true = {900, 60, 40};
  seen.unlabelled = {1900, 80, 20};
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.judged_called = {12, 0, 0};  // too few to say anything
  seen.judged_true = {4, 4, 4};
  seen.unlabelled = {700, 700, 600};
  EXPECT_THAT(kinds(seen), IsEmpty());
}

TEST(Warnings, AClassIsNeverPredicted) {
  for (Observed seen : {healthy(), unjudged()}) {
    (seen.judged_called.empty() ? seen.unlabelled : seen.judged_called) = {480, 520, 0};
    ASSERT_THAT(kinds(seen), ::testing::Contains("never_predicted"));
    EXPECT_THAT(warnings_of(seen)[0].sentence, HasSubstr("is called 'emu'"));
  }
}

TEST(Warnings, AClassOfWhichThereAreHardlyAnyMayBeMissed) {
  Observed seen = healthy();
  seen.judged_called = {500, 500, 0};
  seen.judged_true = {496, 496, 8};
  EXPECT_THAT(kinds(seen), IsEmpty());
}

TEST(Warnings, ManyClassesAreNotAllNamed) {
  Observed seen;
  for (int c = 0; c < 12; ++c) {
    seen.classes.push_back("class" + std::to_string(c));
    seen.labels.push_back(4);
    seen.judged_true.push_back(100);
    seen.judged_called.push_back(c < 4 ? 300 : 0);
  }
  const auto warnings = warnings_of(seen);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0].sentence, HasSubstr("'class7' or any of 4 more classes"));
  EXPECT_THAT(warnings[0].sentence, ::testing::Not(HasSubstr("class8")));
}

TEST(Warnings, TheLabelsThemselvesWereNotLearnt) {
  Observed seen = healthy();
  seen.labels_right = 9;
  EXPECT_THAT(kinds(seen), ElementsAre("labels_not_learnt"));
  seen.labels_right = 20;  // a wrong label or two
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.labels_asked = 4, seen.labels_right = 2;  // too few to say anything
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.labels = {20000, 20000, 20000};  // so many are not learnt by heart
  seen.labels_asked = 2000, seen.labels_right = 1300;
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.labels_right = 800;
  EXPECT_THAT(kinds(seen), ElementsAre("labels_not_learnt"));
}

TEST(Warnings, SharesAreFarFromThoseOfTheLabels) {
  Observed seen = unjudged();
  seen.unlabelled = {1760, 140, 100};
  EXPECT_THAT(kinds(seen), ElementsAre("shares_apart"));
  seen.unlabelled_true = {1660, 240, 100};  // and so they are
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.unlabelled_true = {700, 700, 600};
  EXPECT_THAT(kinds(seen), ElementsAre("shares_apart"));
}

TEST(Warnings, ADrawOfFewLabelsMayBeUnequal) {
  Observed seen = unjudged();
  seen.classes = {"cat", "dog"};
  seen.labels = {8, 2};
  seen.labels_asked = seen.labels_right = 10;
  seen.unlabelled = {500, 520};
  EXPECT_THAT(kinds(seen), IsEmpty());
  seen.labels = {900, 100};
  EXPECT_THAT(kinds(seen), ElementsAre("shares_apart"));
}

TEST(Warnings, TheTemperatureIsAtItsBound) {
  Observed seen = healthy();
  for (const double temperature : {0.0501, 19.999}) {
    seen.temperature = temperature;
    EXPECT_THAT(kinds(seen), ElementsAre("temperature_at_bound")) << temperature;
  }
  for (const double temperature : {0.06, 15.0}) {
    seen.temperature = temperature;
    EXPECT_THAT(kinds(seen), IsEmpty()) << temperature;
  }
}

TEST(Warnings, AreWrittenWithTheirKind) {
  EXPECT_EQ(warnings_json({{"one_class", "All."}}), Json::parse(R"([{"kind": "one_class", "sentence": "All."}])"));
}

}  // namespace
}  // namespace fewlabel
