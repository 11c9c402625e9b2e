#include "modalities/text/modality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "fewlabel/error.h"
#include "helpers.h"
#include "modalities/modalities.h"
#include "modalities/text/tokenizer/train_bpe.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

class Texts final : public Source {
 public:
  explicit Texts(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  int64_t size() const override { return static_cast<int64_t>(texts_.size()); }
  std::string name(int64_t index) const override { return "texts.csv:" + std::to_string(index + 2); }
  int32_t label(int64_t /*index*/) const override { return kUnlabeled; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::text; }
  Raw raw(int64_t index) const override {
    const std::string& text = texts_.at(static_cast<std::size_t>(index));
    return {{text.begin(), text.end()}};
  }

 private:
  std::vector<std::string> texts_, classes_;
};

std::shared_ptr<const Texts> many() {
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i)
    texts.push_back(i % 3 == 0 ? "the little house stands on a hill"
                               : "where does the river Rhine rise, and how long is it " + std::to_string(i));
  texts[7] = std::string("broken \xff text");
  texts[11] = "";
  return std::make_shared<Texts>(texts);
}

std::shared_ptr<const Modality> fitted(const Source& source) {
  std::vector<int64_t> all(static_cast<std::size_t>(source.size()));
  std::iota(all.begin(), all.end(), int64_t{0});
  return fit_modality(source, all, {.options = {}, .vocabulary = 400});
}

std::vector<int32_t> decoded(const Modality& modality, const std::string& text, int32_t room) {
  Layout layout = modality.own_layout("t", {{text.begin(), text.end()}});
  layout.sizes = {room};
  std::vector<int32_t> ids(static_cast<std::size_t>(room), -1);
  modality.decode("t", {{text.begin(), text.end()}}, layout, reinterpret_cast<uint8_t*>(ids.data()));
  return ids;
}

TEST(TextModality, EndsWithPaddingAndCutsWhatIsLonger) {
  const auto modality = fitted(*many());
  const std::string text = "the little house stands on a hill";
  const int32_t length = modality->own_layout("t", {{text.begin(), text.end()}}).sizes.at(0);
  const auto whole = decoded(*modality, text, length + 3);
  EXPECT_EQ(whole.front(), kFirst);
  EXPECT_EQ(whole[static_cast<std::size_t>(length) - 1], kLast);
  EXPECT_EQ(std::count(whole.begin(), whole.end(), kPadding), 3);
  const auto cut = decoded(*modality, text, length - 2);
  EXPECT_EQ(cut.back(), kLast);
  EXPECT_TRUE(std::equal(cut.begin(), cut.end() - 1, whole.begin()));
}

TEST(TextModality, DoesNotTellCasesApartUnlessAsked) {
  const auto source = many();
  EXPECT_EQ(decoded(*fitted(*source), "The RIVER", 12), decoded(*fitted(*source), "the river", 12));
  std::vector<int64_t> all = {0, 1, 2, 3, 4, 5};
  const auto cased = fit_modality(*source, all, {.options = {}, .tokenizer = "cased", .vocabulary = 300});
  EXPECT_NE(decoded(*cased, "The RIVER", 12), decoded(*cased, "the river", 12));
}

TEST(TextModality, SurvivesDamagedTextsAndNamesThem) {
  const auto source = many();
  const auto modality = fitted(*source);
  const auto store = make_store(source, modality, {.layout = modality->guess(*source)});
  EXPECT_EQ(store->damaged(), (std::vector<int64_t>{7, 11}));
  EXPECT_EQ(store->damage().at(0).name, "texts.csv:9");
  EXPECT_THAT(store->damage().at(0).reason, HasSubstr("UTF-8"));
  EXPECT_THAT(store->damage().at(1).reason, HasSubstr("empty"));
}

TEST(TextModality, IsTheSameAfterItWasWritten) {
  const auto modality = fitted(*many());
  const TemporaryFolder folder;
  modality->write(folder.path());
  const auto again = load_modality(Kind::text, folder.path(), {});
  EXPECT_EQ(again->fingerprint(), modality->fingerprint());
  for (const std::string text : {"where does it rise", "Grüße, 你好 🙂"})
    EXPECT_EQ(decoded(*again, text, 40), decoded(*modality, text, 40));
}

/// A WordPiece vocabulary whose special tokens stand elsewhere.
constexpr const char* kForeign = R"({"version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 3, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 4, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
  "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {"house": 0, "tree": 1, "##s": 2, "[PAD]": 3, "[UNK]": 4}}})";

TEST(TextModality, PutsAForeignVocabularyInOurOrder) {
  const auto modality = make_text_modality(Tokenizer::parse(kForeign, "tokenizer.json"), {});
  EXPECT_EQ(modality->own_layout("t", {{'t', 'r', 'e', 'e'}}).vocabulary, 5 + 3);  // specials that it lacks count
  const auto ids = decoded(*modality, "house trees castle", 6);
  EXPECT_EQ(ids, (std::vector<int32_t>{5, 6, 7, kUnknown, 0, 0}));
}

TEST(TextModality, GuessesALengthThatHoldsNearlyAll) {
  std::vector<std::string> texts(100, "the house");
  texts[50] = "the house and the hill and the river and the long long road";
  const auto source = std::make_shared<Texts>(texts);
  const auto modality = fitted(*source);
  const Layout usual = modality->own_layout("t", source->raw(0));
  EXPECT_EQ(modality->guess(*source), usual);
}

TEST(TextModality, RefusesALayoutOfAnotherVocabulary) {
  const auto source = many();
  const auto modality = fitted(*source);
  Layout layout = modality->guess(*source);
  layout.vocabulary += 1;
  EXPECT_EQ(error_of([&] { make_store(source, modality, {.layout = layout}); }).kind(), ErrorKind::usage);
}

TEST(TextModality, SketchesOfNearlyEqualTextsAreAlike) {
  const auto modality = fitted(*many());
  const auto sketch = [&](const std::string& text) {
    Layout layout = modality->own_layout("t", {{text.begin(), text.end()}});
    layout.sizes = {64};
    std::vector<int32_t> ids = decoded(*modality, text, 64);
    std::vector<float> x(static_cast<std::size_t>(modality->likeness().size));
    modality->sketch(reinterpret_cast<const uint8_t*>(ids.data()), layout, x.data());
    const float mean = std::accumulate(x.begin(), x.end(), 0.0F) / static_cast<float>(x.size());
    float square = 0;
    for (float& value : x) value -= mean, square += value * value;
    for (float& value : x) value /= std::sqrt(square);
    return x;
  };
  const auto likeness = [&](const std::string& a, const std::string& b) {
    const auto x = sketch(a), y = sketch(b);
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0F);
  };
  const std::string text = "where does the river Rhine rise, and how long is it, and where does it end";
  EXPECT_GT(likeness(text, "Where does the river Rhine rise, and how long is it, and where does it end?"),
            modality->likeness().alike);
  EXPECT_LT(likeness(text, "the little house stands on a hill where the river ends"), 0.6);
}

}  // namespace
}  // namespace fewlabel
