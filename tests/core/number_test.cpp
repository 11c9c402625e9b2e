#include "core/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/json_text.h"
#include "fewlabel/random.h"

namespace fewlabel {
namespace {

TEST(Number, IsAsShortAsItReads) {
  EXPECT_EQ(number_text(0.95), "0.95");
  EXPECT_EQ(number_text(1.0), "1");
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(-0.5), "-0.5");
  EXPECT_EQ(number_text(5e-4), "0.0005");
  EXPECT_EQ(number_text(1e-5), "1e-5");
  EXPECT_EQ(number_text(1e6), "1000000");
  EXPECT_EQ(number_text(2.5e18), "2.5e18");
  EXPECT_EQ(number_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(number_text(std::nan("")), "nan");
}

TEST(Number, ReadsBackAsTheSameBits) {
  Random random({7, "numbers", 0, 0});
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t high = random.bits();
    const auto number = std::bit_cast<double>(high << 32 | random.bits());
    if (!std::isfinite(number)) continue;
    EXPECT_EQ(std::strtod(number_text(number).c_str(), nullptr), number) << number_text(number);
    EXPECT_EQ(Json::parse(json_text(Json(number))).get<double>(), number);
  }
}

TEST(Number, JsonIsShortToo) { EXPECT_EQ(json_text({{"tau", 0.95}, {"lr", 0.03}}), R"({"tau":0.95,"lr":0.03})"); }

}  // namespace
}  // namespace fewlabel
