// The methods that learn from texts alone against the values of scripts/golden/texts.py (PyTorch, written from the
// papers apart from this code), and what is particular to each.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "fewlabel/error.h"
#include "fewlabel/method.h"
#include "helpers.h"
#include "methods/common/dropout_guard.h"
#include "methods/common/masking.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kTexts = 6, kPlaces = 9, kVocabulary = 40;

Layout golden_layout() { return {Kind::text, Layout::Type::i32, {kPlaces}, kVocabulary}; }

Tensor golden_texts(int64_t step) {
  Tensor x = torch::zeros({kTexts, kPlaces}, torch::kLong);
  for (int64_t i = 0; i < kTexts; ++i) {
    for (int64_t j = 0; j < kPlaces - i; ++j)
      x[i][j] = kSpecialTokens + (11 * i + 5 * j * j + 3 * step) % (kVocabulary - kSpecialTokens);
    x[i][0] = kFirst;
  }
  return x;
}

Net bert() { return make_net({.name = "bert", .bn_momentum = {}}, golden_layout(), 0, 1); }

Batch batch_of(const Tensor& x) {
  Batch batch;
  batch.unlabeled = {{x}, torch::full({x.size(0)}, -1, torch::kLong), torch::arange(x.size(0))};
  return batch;
}

class TextGolden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, TextGolden, ::testing::Values("mlm", "cbow", "electra", "simcse"),
                         [](const auto& info) { return info.param; });

TEST_P(TextGolden, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  int64_t number = 0;
  for (const auto& test : golden.at("cases")) {
    SCOPED_TRACE(test.at("config").dump());
    const auto method =
        find_method(GetParam()).make(test.at("config"), {.layout = golden_layout(), .class_share = {}}, bert());
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : method->named_parameters()) {
        const bool norm = item.value().dim() == 1 && item.key().ends_with("weight");
        item.value().copy_(pattern(item.value().sizes()) + (norm ? 1.0 : 0.0));
      }
    }
    const DropoutGuard whole(*method);
    RecordingStep step;
    torch::manual_seed(1000 + static_cast<uint64_t>(number));
    method->learn(batch_of(golden_texts(number++)), step);
    EXPECT_NEAR(step.losses.at(0), test.at("loss").get<double>(), 1e-4 * (1 + test.at("loss").get<double>()));
    const Json& gradients = test.at("gradient");
    EXPECT_EQ(method->named_parameters().size(), gradients.size());
    for (const auto& item : method->named_parameters()) {
      ASSERT_TRUE(gradients.contains(item.key())) << item.key();
      const double length = gradients.at(item.key())[0], product = gradients.at(item.key())[1];
      const Tensor gradient =
          item.value().grad().defined() ? item.value().grad() : torch::zeros_like(item.value());  // nothing asked it
      EXPECT_NEAR(gradient.norm().item<double>(), length, 2e-3 * length + 1e-5) << item.key();
      EXPECT_NEAR((gradient * pattern(gradient.sizes())).sum().item<double>(), product, 2e-3 * length + 1e-5)
          << item.key();
    }
  }
}

TEST(Masking, ChoosesItsShareOfTheWordsAndNothingElse) {
  Tensor x = torch::full({400, 50}, 7, torch::kLong);
  x.slice(1, 0, 1).fill_(kFirst);
  x.slice(1, 30, 31).fill_(kLast);
  x.slice(1, 31).fill_(kPadding);
  torch::manual_seed(2);
  const MaskedTexts masked = mask_words(x, {}, 1000);
  const Tensor word = x.eq(7), chosen = masked.chosen;
  const auto share = [](const Tensor& of, const Tensor& among) {
    return of.logical_and(among).sum().item<double>() / among.sum().item<double>();
  };
  EXPECT_EQ(share(chosen, word.logical_not()), 0.0);
  EXPECT_NEAR(share(chosen, word), 0.15, 0.01);
  EXPECT_NEAR(share(masked.x.eq(kMask), chosen), 0.8, 0.03);
  EXPECT_NEAR(share(masked.x.eq(7), chosen), 0.1, 0.02);
  EXPECT_TRUE(torch::equal(masked.x.masked_select(chosen.logical_not()), x.masked_select(chosen.logical_not())));
  EXPECT_EQ(masked.x.masked_select(chosen).lt(kMask).sum().item<int64_t>(), 0);
}

TEST(Masking, WithoutAWordThereIsNoLoss) {
  for (const std::string name : {"mlm", "electra"}) {
    const auto method = find_method(name).make(Json::object(), {.layout = golden_layout(), .class_share = {}}, bert());
    RecordingStep step;
    method->learn(batch_of(torch::full({3, kPlaces}, kFirst, torch::kLong)), step);
    EXPECT_TRUE(std::isfinite(step.losses.at(0))) << name;
  }
}

TEST(Masking, NetsThatSeeNoTokensAreRefused) {
  for (const std::string name : {"mlm", "electra"}) {
    const Net bag = make_net({.name = "bag", .bn_momentum = {}}, golden_layout(), 0, 1);
    const Error error =
        error_of([&] { find_method(name).make(Json::object(), {.layout = golden_layout(), .class_share = {}}, bag); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(error.hint().find("bert"), std::string::npos) << error.what();
  }
}

TEST(SimCse, WantsANetThatDrops) {
  NetConfig config{.name = "bag", .bn_momentum = {}};
  config.inner_dropout = 0;
  const Net net = make_net(config, golden_layout(), 0, 1);
  const Error error = error_of(
      [&] { find_method("simcse").make(Json::object(), {.layout = golden_layout(), .class_share = {}}, net); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_NE(error.hint().find("inner_dropout"), std::string::npos) << error.what();
}

TEST(Vat, OfTextsMovesWhatIsEmbeddedWithinItsLength) {
  // The adversarial loss of a net without dropout is that of a change of length epsilon: more changes more.
  Toy::kind = Kind::text;
  const auto loss = [](double epsilon) {
    const auto method = find_method("vat").make(Json{{"epsilon", epsilon}}, Toy::task(), Toy::net("text_cnn"));
    RecordingStep step;
    torch::manual_seed(1);
    method->learn(Toy::batch(method->needs(), 0), step);
    return step.logged.at("loss/u");
  };
  const double none = loss(0.0), some = loss(1.0), more = loss(4.0);
  Toy::kind = Kind::image;
  EXPECT_NEAR(none, 0.0, 1e-6);  // nothing is dropped in either pass
  EXPECT_GT(some, 1e-5);
  EXPECT_GT(more, 2 * some);
}

}  // namespace
}  // namespace fewlabel::testing
