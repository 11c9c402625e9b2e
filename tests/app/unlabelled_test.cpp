// What is shown of the unlabelled examples, on a store of made-up pictures.
#include "app/unlabelled.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "app/look_alikes.h"
#include "core/cancel.h"
#include "eval/memory_store.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "helpers.h"
#include "modalities/image/modality.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::MemoryStore;

class NamedSource final : public Source {
 public:
  int64_t size() const override { return 40; }
  std::string name(int64_t index) const override { return std::to_string(index) + ".png"; }
  int32_t label(int64_t) const override { return kUnlabeled; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::image; }
  Raw raw(int64_t) const override { return {}; }

 private:
  std::vector<std::string> classes_{"cat", "dog"};
};

/// Some examples of a store are copies of others, a little brighter.
class CopyStore final : public ExampleStore {
 public:
  CopyStore(int64_t count, std::map<int64_t, int64_t> copies) : base_(count), copies_(std::move(copies)) {}
  int64_t size() const override { return base_.size(); }
  const Layout& layout() const override { return base_.layout(); }
  void fetch(int64_t index, uint8_t* out) const override {
    const auto at = copies_.find(index);
    base_.fetch(at == copies_.end() ? index : at->second, out);
    if (at != copies_.end())
      for (int64_t p = 0; p < layout().bytes(); ++p) out[p] = static_cast<uint8_t>(std::min(255, out[p] + 2));
  }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return base_.damage(); }
  const std::string& content_hash() const override { return base_.content_hash(); }

 private:
  MemoryStore base_;
  std::map<int64_t, int64_t> copies_;
};

/// 8 labelled examples of two classes, 32 without a label.
PreparedData prepared(std::map<int64_t, int64_t> copies = {}) {
  PreparedData data;
  data.modality = make_image_modality(1 << 20);
  data.dataset.train = std::make_shared<NamedSource>();
  data.dataset.classes = {"cat", "dog"};
  data.train = std::make_shared<CopyStore>(40, std::move(copies));
  for (int64_t i = 0; i < 40; ++i) {
    Pool& pool = i < 8 ? data.labeled : data.unlabeled;
    pool.index.push_back(i);
    pool.label.push_back(i < 8 ? static_cast<int32_t>(i % 2) : kUnlabeled);
  }
  return data;
}

/// Right on all labels but that of example 3; calls example i > 7 a dog with probability (i + 1/2) / 40.
torch::Tensor made_up(const ExampleStore&, const std::vector<int64_t>& indices) {
  torch::Tensor logits = torch::zeros({static_cast<int64_t>(indices.size()), 2});
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const double dog = indices[i] == 3  ? 0.02
                       : indices[i] < 8 ? static_cast<double>(indices[i] % 2)
                                        : (static_cast<double>(indices[i]) + 0.5) / 40;
    logits[static_cast<int64_t>(i)][0] = std::log(std::clamp(1 - dog, 0.01, 0.99));
    logits[static_cast<int64_t>(i)][1] = std::log(std::clamp(dog, 0.01, 0.99));
  }
  return logits;
}

Json shown(const PreparedData& data) {
  return unlabelled_json(ask(made_up, *data.train, data.labeled, 100), ask(made_up, *data.train, data.unlabeled, 100),
                         data);
}

std::vector<std::string> names(const Json& list) {
  std::vector<std::string> result;
  for (const Json& item : list) result.push_back(item.at("name"));
  return result;
}

TEST(Unlabelled, CountsAndShowsTheEndsOfEachClass) {
  const Json json = shown(prepared());
  EXPECT_EQ(json.at("examples"), 32);
  EXPECT_EQ(json.at("of"), 32);
  const Json &cat = json.at("classes").at(0), &dog = json.at("classes").at(1);
  EXPECT_EQ(cat.at("labels"), 4);
  EXPECT_EQ(cat.at("called").get<int>() + dog.at("called").get<int>(), 32);
  EXPECT_EQ(dog.at("called"), 20);
  ASSERT_EQ(dog.at("surest").size(), 8u);
  EXPECT_EQ(names(dog.at("surest")).front(), "39.png");
  EXPECT_EQ(names(dog.at("least_sure")).front(), "20.png");
  EXPECT_EQ(names(cat.at("surest")).front(), "8.png");
}

TEST(Unlabelled, NoPictureIsShownAtBothEnds) {
  PreparedData data = prepared();
  data.unlabeled.index = {9, 38, 39};
  data.unlabeled.label = {-1, -1, -1};
  const Json dog = shown(data).at("classes").at(1);
  EXPECT_THAT(names(dog.at("surest")), ElementsAre("39.png"));
  EXPECT_THAT(names(dog.at("least_sure")), ElementsAre("38.png"));
}

TEST(Unlabelled, ALabelThatTheModelIsSureAgainstIsSuspicious) {
  PreparedData data = prepared();
  const Json suspicious = shown(data).at("suspicious");
  ASSERT_THAT(names(suspicious), ElementsAre("3.png"));
  EXPECT_EQ(suspicious[0].at("label"), "dog");
  EXPECT_EQ(suspicious[0].at("predicted"), "cat");
  for (auto& label : data.labeled.label) label = 1 - label;  // wrong on nearly all: then that says nothing
  EXPECT_TRUE(shown(data).at("suspicious").empty());
}

TEST(Unlabelled, CopiesAreFoundWhereverTheyAre) {
  const Json json = shown(prepared({{30, 9}, {20, 1}, {6, 5}}));
  EXPECT_EQ(json.at("pairs"), 2);
  ASSERT_EQ(json.at("two_labels").size(), 1u);
  EXPECT_EQ(json.at("two_labels")[0].at("first").at("name"), "5.png");
  EXPECT_EQ(json.at("two_labels")[0].at("second").at("class"), "cat");
  ASSERT_EQ(json.at("near_duplicates").size(), 2u);
  for (const Json& pair : json.at("near_duplicates"))
    EXPECT_THAT(pair.at("second").at("name").get<std::string>(), ::testing::AnyOf("30.png", "20.png"));
  EXPECT_EQ(shown(prepared()).at("pairs"), 0);
}

TEST(LookAlikes, ThatShowNothingAreNotCompared) {
  class Flat final : public ExampleStore {
   public:
    int64_t size() const override { return 4; }
    const Layout& layout() const override {
      static const Layout layout = ImageShape{8, 8, 3};
      return layout;
    }
    void fetch(int64_t, uint8_t* out) const override { std::fill_n(out, 192, uint8_t{200}); }
    std::vector<int64_t> damaged() const override { return {}; }
    const std::vector<Damage>& damage() const override { return none_; }
    const std::string& content_hash() const override { return hash_; }

   private:
    std::vector<Damage> none_;
    std::string hash_;
  };
  EXPECT_TRUE(look_alikes(*make_image_modality(1 << 20), Flat(), {{0, 1}, {0, 1}}, {{2, 3}, {-1, -1}}).pairs.empty());
}

TEST(Unlabelled, AsksNoMoreThanItMay) {
  const PreparedData data = prepared();
  const Answers answers = ask(made_up, *data.train, data.unlabeled, 8);
  EXPECT_EQ(answers.size(), 8);
  EXPECT_EQ(answers.of, 32);
  EXPECT_EQ(answers.probability.size(0), 8);
  EXPECT_EQ(ask(made_up, *data.train, {}, 8).size(), 0);
  EXPECT_TRUE(unlabelled_json(answers, ask(made_up, *data.train, {}, 8), data).empty());
}

TEST(Unlabelled, StopsWhenAsked) {
  const PreparedData data = prepared();
  request_cancel(ErrorKind::interrupted);
  const Error error = error_of([&] { ask(made_up, *data.train, data.unlabeled, 8); });
  const Error other = error_of([&] { look_alikes(*data.modality, *data.train, data.labeled, data.unlabeled); });
  clear_cancel();
  EXPECT_EQ(error.kind(), ErrorKind::interrupted);
  EXPECT_EQ(other.kind(), ErrorKind::interrupted);
}

}  // namespace
}  // namespace fewlabel
