#include "modalities/image/augment/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fewlabel/error.h"
#include "fewlabel/transform.h"

namespace fewlabel::augment {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& policy) {
  try {
    make_image_transform(policy);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage) << policy;
    EXPECT_FALSE(error.hint().empty()) << policy;
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << policy;
  return {};
}

TEST(Policy, AcceptsWhatTheDocumentationShows) {
  for (const char* policy : {"none",
                             "",
                             "flip",
                             "flip+crop(0.125)",
                             "flip(p=0.5) + crop(fraction=0.125, pad=edge)",
                             "crop(pad=zero)",
                             "flip+crop(0.125)+randaugment(n=2)+cutout(0.5)",
                             "randaugment(3)",
                             "randaugment(n=2, m=0.7)",
                             "randaugment(n=2,m=random)",
                             "rotate(30)",
                             "rotate",
                             "brightness(0.5)",
                             "brightness(factor=0.2..1.5)",
                             "solarize(128, p=0.2)",
                             "equalize(p=0.5)",
                             "equalize()",
                             "posterize(bits=4..6)",
                             "shear_x(1e-1)",
                             "none+flip",
                             "resized_crop(0.2..1)+flip+color_jitter(0.5)+grayscale+blur(p=0.5, sigma=0.1..1)"}) {
    EXPECT_NO_THROW(make_image_transform(policy)) << policy;
  }
}

TEST(Policy, MirrorsColourImagesAloneByDefault) {
  for (const int64_t channels : {1, 3}) {
    const ViewPolicies policies = image_policies(channels);
    for (const std::string& policy : {policies.weak, policies.strong, policies.contrast}) {
      EXPECT_NO_THROW(make_image_transform(policy)) << policy;
      EXPECT_EQ(policy.find("flip") != std::string::npos, channels == 3) << policy;
    }
  }
}

TEST(Policy, NamesTheNearestStep) {
  EXPECT_THAT(refusal("flip+randaugmnt(n=2)"), HasSubstr("randaugment"));
  EXPECT_THAT(refusal("Rotate(3)"), HasSubstr("rotate"));
  EXPECT_THAT(refusal("no_such_thing_at_all"), HasSubstr("flip"));
}

TEST(Policy, NamesTheNearestKey) {
  EXPECT_THAT(refusal("crop(fracton=0.1)"), HasSubstr("fraction"));
  EXPECT_THAT(refusal("equalize(q=1)"), HasSubstr("mean p"));
  EXPECT_THAT(refusal("equalize(q=1)"), HasSubstr("'q'"));
}

TEST(Policy, NamesValuesOutOfRange) {
  EXPECT_THAT(refusal("crop(1.5)"), HasSubstr("fraction = 1.5"));
  EXPECT_THAT(refusal("cutout(-0.1)"), HasSubstr("0 to 1"));
  EXPECT_THAT(refusal("randaugment(n=2.5)"), HasSubstr("whole number"));
  EXPECT_THAT(refusal("randaugment(n=1000000)"), HasSubstr("14"));
  EXPECT_THAT(refusal("randaugment(m=2)"), HasSubstr("m = 2"));
  EXPECT_THAT(refusal("crop(pad=mirror)"), HasSubstr("reflect, edge or zero"));
  EXPECT_THAT(refusal("brightness(0.9..0.1)"), HasSubstr("low to high"));
  for (const char* policy : {"flip(nan)", "flip(inf)", "flip(half)", "flip(0.5x)", "blur(sigma=1e9)", "flip(1..)"}) {
    EXPECT_THAT(refusal(policy), HasSubstr("number from")) << policy;
  }
}

TEST(Policy, RefusesBrokenText) {
  for (const char* policy :
       {"+", "flip+", "+flip", "flip++crop", "flip(", "flip)", "flip()crop()", "flip((0.5))", "(0.5)", "flip(0.5",
        "crop(0.1,)", "crop(,0.1)", "crop(0.1, 0.2)", "crop(=0.1)", "crop(pad=)"}) {
    EXPECT_THAT(refusal(policy), HasSubstr("policy")) << policy;
  }
  EXPECT_THAT(refusal("crop(0.1, fraction=0.2)"), HasSubstr("once"));
  EXPECT_THAT(refusal("crop(pad=zero, pad=edge)"), HasSubstr("once"));
  EXPECT_THAT(refusal(std::string(100'000, '(')), HasSubstr("longer than"));
}

}  // namespace
}  // namespace fewlabel::augment
