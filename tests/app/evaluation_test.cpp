#include "app/evaluation.h"

#include <gmock/gmock.h>

#include "app/app.h"
#include "core/csv.h"
#include "fewlabel/image.h"
#include "helpers.h"
#include "modalities/image/modality.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TinyStore final : public ExampleStore {
 public:
  int64_t size() const override { return 4; }
  const Layout& layout() const override {
    static const Layout layout = ImageShape{8, 8, 1};
    return layout;
  }
  void fetch(int64_t index, uint8_t* out) const override { std::fill_n(out, 64, static_cast<uint8_t>(index * 50)); }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return damage_; }
  const std::string& content_hash() const override { return hash_; }

 private:
  std::vector<Damage> damage_;
  std::string hash_;
};

class TinySource final : public Source {
 public:
  int64_t size() const override { return 4; }
  std::string name(int64_t index) const override {
    return index == 1 ? "=evil,\"x\".png" : std::to_string(index) + ".png";
  }
  int32_t label(int64_t index) const override { return static_cast<int32_t>(index % 2); }
  const std::vector<std::string>& classes() const override { return classes_; }
  Kind kind() const override { return Kind::image; }
  Raw raw(int64_t) const override { return {}; }

 private:
  std::vector<std::string> classes_{"no", "yes"};
};

Evaluation evaluated() {  // rows: right, wrong and sure, right, wrong and unsure
  const Tensor logits = torch::tensor({{2.0F, 0.0F}, {5.0F, -5.0F}, {1.0F, 0.0F}, {0.2F, 0.1F}});
  return evaluate_logits(logits, {{0, 1, 2, 3}, {0, 1, 0, 1}},
                         {*make_image_modality(1 << 20), TinySource(), TinyStore()}, {"no", "yes"});
}

TEST(Evaluation, CountsWhatIsRight) {
  const Evaluation result = evaluated();
  EXPECT_EQ(result.summary["accuracy"], 0.5);
  EXPECT_LT(result.summary["accuracy_low"], 0.5);
  EXPECT_GT(result.summary["accuracy_high"], 0.5);
  EXPECT_EQ(result.detail["confusion"], Json::parse("[[2, 0], [2, 0]]"));
}

TEST(Evaluation, TheSurestMistakeComesFirst) {
  const Json mistakes = evaluated().detail["mistakes"];
  ASSERT_EQ(mistakes.size(), 2u);
  EXPECT_EQ(mistakes[0]["name"], "=evil,\"x\".png");
  EXPECT_EQ(mistakes[0]["true"], "yes");
  EXPECT_EQ(mistakes[0]["predicted"], "no");
  EXPECT_THAT(mistakes[0]["png_base64"].get<std::string>(), StartsWith("iVBOR"));
}

TEST(Evaluation, PredictionsNameWhatThereIs) {
  EXPECT_THAT(evaluated().predictions, HasSubstr("\n\"=evil,\"\"x\"\".png\",yes,no,"));
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("-1"), "-1");
  EXPECT_EQ(spreadsheet_field("-1"), "'-1");
  EXPECT_EQ(spreadsheet_field("=1+\"2\""), "\"'=1+\"\"2\"\"\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
}

TEST(Train, BadSettingsAreRefusedBeforeAnythingIsWritten) {
  const testing::TemporaryFolder folder;
  const auto refused = [&](const std::string& override) {
    TrainRequest request;
    request.overrides = {"data=nowhere", "out=" + (folder / "run"), override};
    request.chatter = Chatter::quiet;
    return error_of([&] { train(request); });
  };
  EXPECT_THAT(refused("method=fixmach").hint(), HasSubstr("fixmatch"));
  EXPECT_THAT(refused("method.tua=1").where(),
              HasSubstr("nowhere"));  // no method is named: its fields are not known yet
  EXPECT_EQ(refused("trian.steps=3").kind(), ErrorKind::usage);
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Catalogue, DescribesEveryFieldOfEveryMethod) {
  const Json list = method_catalogue();
  EXPECT_GE(list.size(), 5u);
  for (const Json& method : list)
    for (const Json& field : method["fields"]) EXPECT_FALSE(field["help"].get<std::string>().empty()) << method["name"];
}

}  // namespace
}  // namespace fewlabel
