// What is hidden of recordings, and telling it apart, against loops.
#include "methods/common/spans.h"

#include <gtest/gtest.h>

#include <cmath>

#include "methods/common/ctc.h"

namespace fewlabel::testing {
namespace {

TEST(Spans, hide_parts_of_what_is_heard_in_runs) {
  torch::manual_seed(1);
  Tensor heard = torch::zeros({200, 50}, torch::kBool);
  heard.slice(1, 10, 40).fill_(true);
  const Tensor hidden = hidden_spans(heard, {.start = 0.065, .length = 5});
  EXPECT_FALSE((hidden & ~heard).any().item<bool>());
  EXPECT_TRUE(hidden.any(1).all().item<bool>());
  // Of what is heard, but for the first frames, all but (1 - start)^length: that is how spans overlap.
  const double share = hidden.slice(1, 20, 40).to(torch::kDouble).mean().item<double>();
  EXPECT_NEAR(share, 1 - std::pow(1 - 0.065, 5), 0.05);
  // A frame is hidden with its neighbours: alone it is only where the recording ends.
  const Tensor alone = hidden.slice(1, 15, 38) & ~hidden.slice(1, 14, 37) & ~hidden.slice(1, 16, 39);
  EXPECT_FALSE(alone.any().item<bool>());
  // A start of 0 hides one span all the same, and silence none.
  const Tensor least = hidden_spans(heard, {.start = 0, .length = 1});
  EXPECT_TRUE(least.sum(1).eq(1).all().item<bool>());
  EXPECT_FALSE(hidden_spans(torch::zeros({2, 9}, torch::kBool), {}).any().item<bool>());
}

TEST(Spans, are_told_apart_as_a_loop_says) {
  torch::manual_seed(2);
  constexpr int64_t n = 3, t = 7;
  const Tensor c = torch::randn({n, t, 4}), q = torch::randn({n, t, 4});
  q[0][3] = q[0][1];  // the same sound: no distractor
  Tensor chosen = torch::rand({n, t}).lt(0.6);
  chosen[0].fill_(true);
  chosen[2].fill_(false);
  chosen[2][4] = true;  // alone: nothing to tell it from
  const double temperature = 0.3;
  double sum = 0, right = 0;
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t a = 0; a < t; ++a) {
      if (!chosen[i][a].item<bool>()) continue;
      double below = 0, own = 0;
      int64_t others = 0;
      bool best = true;
      for (int64_t b = 0; b < t; ++b) {
        const bool same = torch::equal(q[i][a], q[i][b]);
        if (b != a && (!chosen[i][b].item<bool>() || same)) continue;
        const double cosine = torch::cosine_similarity(c[i][a].unsqueeze(0), q[i][b].unsqueeze(0)).item<double>();
        below += std::exp(cosine / temperature);
        if (b == a) own = cosine;
        others += b != a;
      }
      for (int64_t b = 0; b < t; ++b)
        if (b != a && chosen[i][b].item<bool>() && !torch::equal(q[i][a], q[i][b]))
          best = best && torch::cosine_similarity(c[i][a].unsqueeze(0), q[i][b].unsqueeze(0)).item<double>() < own;
      if (others == 0) continue;
      sum += std::log(below) - own / temperature;
      right += best;
      ++count;
    }
  ASSERT_GT(count, 5);
  const SpanLoss found = told_apart(c, q, chosen, temperature);
  EXPECT_NEAR(found.loss.item<double>(), sum / static_cast<double>(count), 1e-4);
  EXPECT_NEAR(found.told.item<double>(), right / static_cast<double>(count), 1e-5);
}

TEST(Spans, of_a_recording_with_one_are_no_loss) {
  Tensor c = torch::randn({1, 5, 4}, torch::requires_grad());
  Tensor chosen = torch::zeros({1, 5}, torch::kBool);
  chosen[0][2] = true;
  const SpanLoss found = told_apart(c, torch::randn({1, 5, 4}), chosen, 0.1);
  found.loss.backward();
  EXPECT_EQ(found.loss.item<double>(), 0);
  EXPECT_EQ(c.grad().abs().max().item<double>(), 0);
}

TEST(Spans, silence_is_what_does_not_change) {
  Tensor x = torch::full({1, 100}, -0.3);
  x.slice(1, 40, 70) = torch::randn({1, 30});
  const Tensor samples = sounding(x, 10);
  EXPECT_TRUE(samples[0].slice(0, 4, 7).all().item<bool>());
  EXPECT_FALSE(samples[0].slice(0, 0, 4).any().item<bool>() || samples[0].slice(0, 8, 10).any().item<bool>());
  Tensor picture = torch::zeros({1, 1, 8, 20});
  picture.slice(3, 4, 9) = torch::randn({1, 1, 8, 5});
  const Tensor frames = sounding(picture, 20);
  EXPECT_EQ(frames.sum().item<int64_t>(), 5);
  EXPECT_TRUE(frames[0][4].item<bool>() && frames[0][8].item<bool>());
}

}  // namespace
}  // namespace fewlabel::testing
