#include "core/vision_shape.h"

#include <gtest/gtest.h>

namespace fewlabel {
namespace {

TEST(VisionShape, ReadsWhatItWrites) {
  VisionShape shape{.blocks = 12, .width = 384, .heads = 6, .inner = 1536, .patch = 16, .side = 224};
  EXPECT_EQ(shape.text(), "12x384x6x1536x16x224");
  shape.tokens = 5;
  shape.norm_first = shape.layer_scale = true;
  shape.activation = "swiglu";
  shape.features = "distilled";
  const auto read = vision_shape(shape.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), shape.text());
  EXPECT_EQ(read->inner, 1536);
  EXPECT_EQ(read->tokens, 5);
  EXPECT_TRUE(read->norm_first && read->layer_scale);
  EXPECT_EQ(read->activation, "swiglu");
  EXPECT_EQ(read->features, "distilled");
  EXPECT_EQ(read->grid(), 14);
}

TEST(VisionShape, IsNothingElse) {
  for (const char* text :
       {"", "6x384x12x1536", "12x384x7x1536x16x224", "12x384x6x1536x16x225", "0x384x6x1536x16x224",
        "201x384x6x1536x16x224", "12x384x6x1536x16x224+", "12x384x6x1536x16x224+relu", "12x384x6x1536x16x224+tokens=x",
        "12x384x6x1536x16x224+tokens=9999", "12x384x6x1536x16x224+tokens=0", "12x384x6x1536x16x224+distilled"})
    EXPECT_FALSE(vision_shape(text)) << text;
  EXPECT_TRUE(vision_shape("12x384x6x1536x16x224+tokens=0+attention"));
}

}  // namespace
}  // namespace fewlabel
