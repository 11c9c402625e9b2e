#include "app/method_settings.h"

#include <gmock/gmock.h>

#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using fewlabel::testing::error_of;

Json recipe_of(const std::string& method) { return {{"method", {{"name", method}}}}; }

TEST(MethodSettings, ShortRunsGetTheirOwnAndLongOnesThePapers) {
  const Json brief = with_method_settings(recipe_of("freematch"));
  EXPECT_EQ(brief.at("method").at("labeled_view"), "strong");
  EXPECT_EQ(brief.at("method").at("decay"), 0.99);
  Json recipe = recipe_of("freematch");
  recipe["train"]["steps"] = 1 << 20;
  EXPECT_EQ(with_method_settings(recipe), recipe);
  recipe["train"]["steps"] = 3000;
  EXPECT_EQ(with_method_settings(recipe).at("method").at("labeled_view"), "strong");
}

TEST(MethodSettings, LeaveTheUsersAlone) {
  Json recipe = recipe_of("fixmatch");
  recipe["method"]["mu"] = 7;
  const Json result = with_method_settings(recipe);
  EXPECT_EQ(result.at("method").at("mu"), 7);
  EXPECT_EQ(result.at("method").at("align"), true);
  EXPECT_EQ(result.at("method").at("align_to"), "learnt");
  EXPECT_FALSE(result.at("method").contains("decay"));  // fixmatch has none
}

TEST(MethodSettings, WithoutAMethodThereAreNone) {
  EXPECT_EQ(with_method_settings({{"train", {{"steps", 5}}}}), (Json{{"train", {{"steps", 5}}}}));
}

TEST(MethodSettings, ManyLabelsAreSeenMoreOfAtATime) {
  const auto fitted = [](Json recipe, int64_t labeled) {
    TrainConfig config;
    config.method = with_method_settings(recipe).at("method");
    const auto choices = fit_to_labels(config, recipe, labeled);
    const auto says = ::testing::Contains(::testing::StartsWith("train.batch = 64, method.mu = 2"));
    EXPECT_EQ(::testing::Matches(says)(choices), config.train.batch.has_value());
    return std::pair(config.train.batch.value_or(0), config.method.value("mu", int64_t{0}));
  };
  const Json recipe = recipe_of("freematch");
  EXPECT_EQ(fitted(recipe, 100), std::pair(int64_t{0}, int64_t{5}));
  EXPECT_EQ(fitted(recipe, 1000), std::pair(int64_t{64}, int64_t{2}));
  Json own = recipe;
  own["method"]["mu"] = 5;
  EXPECT_EQ(fitted(own, 1000), std::pair(int64_t{0}, int64_t{5}));
  own = recipe;
  own["train"]["batch"] = 16;
  EXPECT_EQ(fitted(own, 1000).second, 5);
  own = recipe;
  own["train"]["steps"] = 1 << 20;  // a long run is the paper's
  EXPECT_EQ(fitted(own, 1000).first, 0);
  EXPECT_EQ(fitted(recipe_of("supervised"), 1000).first, 0);
}

TEST(MethodSettings, ManyLabelsNeedNoQuarterTurns) {
  const auto rotation = [](const Json& recipe, int64_t labeled) {
    TrainConfig config;
    config.method = with_method_settings(recipe).at("method");
    fit_to_labels(config, recipe, labeled);
    return config.method.value("rotation", -1.0);
  };
  Json recipe = recipe_of("fixmatch");
  EXPECT_EQ(rotation(recipe, 499), 1.0);
  EXPECT_EQ(rotation(recipe, 500), 0.0);
  EXPECT_EQ(rotation(recipe_of("mixmatch"), 500), -1.0);  // has none
  recipe["train"]["batch"] = 16;
  EXPECT_EQ(rotation(recipe, 500), 0.0);
  recipe["method"]["rotation"] = 0.3;
  EXPECT_EQ(rotation(recipe, 500), 0.3);
}

TEST(MethodSettings, AnEncoderNeedsNoQuarterTurns) {
  const auto rotation = [](const Json& recipe) {
    TrainConfig config;
    config.method = with_method_settings(recipe).at("method");
    const bool silent = fit_to_encoder(config, recipe).empty();
    const double left = config.method.value("rotation", -1.0);
    EXPECT_EQ(silent, left != 0.0);
    return left;
  };
  Json recipe = recipe_of("fixmatch");
  EXPECT_EQ(rotation(recipe), 0.0);
  EXPECT_EQ(rotation(recipe_of("mixmatch")), -1.0);
  recipe["method"]["rotation"] = 0.3;
  EXPECT_EQ(rotation(recipe), 0.3);
}

TEST(MethodSettings, WhatOnlyImagesHaveIsTakenBackFromOthers) {
  const auto rotation = [](const Json& recipe, Kind kind) {
    TrainConfig config;
    config.method = with_method_settings(recipe).at("method");
    fit_to_kind(config, recipe, kind);
    fit_to_labels(config, recipe, 1000);
    return config.method.value("rotation", -1.0);
  };
  Json recipe = recipe_of("fixmatch");
  EXPECT_EQ(rotation(recipe, Kind::image), 0.0);
  EXPECT_EQ(rotation(recipe, Kind::text), -1.0);
  recipe["method"]["rotation"] = 0.3;  // to be refused by the method
  EXPECT_EQ(rotation(recipe, Kind::text), 0.3);
  TrainConfig config;
  config.method = {{"name", "gan"}};
  const Error error = error_of([&] { fit_to_kind(config, recipe_of("gan"), Kind::text); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("mlm"), std::string::npos) << error.what();
}

TEST(MethodSettings, OfEveryMethodAreOnesThatItHas) {
  for (const MethodInfo& info : all_methods()) {
    SCOPED_TRACE(info.name);
    for (const Json& settings : {info.settings, info.short_settings})
      EXPECT_NO_THROW(info.resolve(settings.value("method", Json::object())));
  }
}

}  // namespace
}  // namespace fewlabel
