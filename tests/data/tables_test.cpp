// Rows of numbers from CSV, JSONL and NPY.
#include "data/inspect.h"
#include "texts.h"

namespace fewlabel::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> row_of(const Source& source, int64_t index) {
  const Raw raw = source.raw(index);
  std::vector<float> row(raw.bytes.size() / sizeof(float));
  std::memcpy(row.data(), raw.bytes.data(), raw.bytes.size());
  return row;
}

TEST(Table, ReadsNumbersWithAndWithoutNames) {
  const TemporaryFolder folder;
  const auto open = [&](const std::string& content, const std::string& name = "a.csv") {
    const Dataset data = open_dataset(folder.write(name, content), {});
    EXPECT_EQ(data.train->kind(), Kind::table);
    EXPECT_EQ(data.train->size(), 4);
    EXPECT_THAT(row_of(*data.train, 1), ElementsAre(-2.5f, 1e3f));
    EXPECT_EQ(data.train->head(0).layout, (Layout{Kind::table, Layout::Type::f32, {2}}));
    return labels_of(*data.train);
  };
  const std::string rows = "1,2,x\n-2.5,1e3,y\n3,4,x\n5,6,y\n";
  EXPECT_THAT(open(rows), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(open("width,height,name\n" + rows), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(open("id,a,b,class\n0,1,2,0\n1,-2.5,1e3,1\n2,3,4,\n3,5,6,0\n"), ElementsAre(0, 1, kUnlabeled, 0));
  EXPECT_THAT(open("1,2\n-2.5,1e3\n3,4\n5,6\n"), ElementsAre(kUnlabeled, kUnlabeled, kUnlabeled, kUnlabeled));
  EXPECT_THAT(
      open("{\"a\":1,\"b\":2,\"y\":\"u\"}\n{\"a\":-2.5,\"b\":1000,\"y\":\"v\"}\n{\"a\":1,\"b\":2}\n{\"a\":1,\"b\":2}\n",
           "a.jsonl"),
      ElementsAre(0, 1, kUnlabeled, kUnlabeled));
}

TEST(Table, NumbersThatAreMissingDamageTheirRow) {
  const TemporaryFolder folder;
  std::string content = "a,b,label\n1,2,x\n,2,x\ninf,2,y\n1,2,y\n1,2,y\n1,2,y\n1,2\n";
  for (int i = 0; i < 300; ++i) content += "3,4,x\n";
  content += "three,4,x\n";
  const Dataset data = open_dataset(folder.write("a.csv", content), {});
  const auto modality = modality_of(*data.train);
  const auto store = make_store(data.train, modality, {.layout = modality->guess(*data.train)});
  std::vector<std::string> damage;
  for (const Damage& d : store->damage()) damage.push_back(d.name + " " + d.reason);
  EXPECT_THAT(damage, ElementsAre("a.csv:3 number 1 is missing", "a.csv:4 number 1 is infinite",
                                  "a.csv:8 2 columns where the first line has 3",
                                  "a.csv:309 a holds 'three', which is no number"));
  const Normalization rule = modality->measure(*store, {0, 8}, 10);
  EXPECT_THAT(rule.mean, ElementsAre(2, 3));
  EXPECT_THAT(rule.deviation, ElementsAre(1, 1));
}

TEST(Table, ReadsArraysOfTwoDimensions) {
  const TemporaryFolder folder;
  const float values[] = {1, 2, 3, 4, 5, 6};
  const double wide[] = {7, 8, 9};
  folder.write("d/x_train.npy", npy("<f4", "(2, 3)", {reinterpret_cast<const char*>(values), sizeof(values)}));
  folder.write("d/y_train.npy", npy("|u1", "(2,)", std::string("\1\0", 2)));
  folder.write("d/x_test.npy", npy("<f8", "(1, 3)", {reinterpret_cast<const char*>(wide), sizeof(wide)}));
  folder.write("d/y_test.npy", npy("|u1", "(1,)", "\1"));
  const Dataset data = open_dataset(folder / "d", {});
  EXPECT_THAT(row_of(*data.train, 1), ElementsAre(4, 5, 6));
  EXPECT_THAT(row_of(*data.test, 0), ElementsAre(7, 8, 9));
  EXPECT_THAT(labels_of(*data.train), ElementsAre(1, 0));
  EXPECT_EQ(data.train->name(1), "x_train.npy:1");
  expect_error(ErrorKind::data, "has 2 dimensions",
               [&] { open_dataset(folder.write("x.npy", npy("|u1", "(1, 3)", "abc")), {}); });
  const std::string other = folder.write("b.csv", "a,b,label\n1,2,0\n3,4,1\n");
  expect_error(ErrorKind::data, "has 2 columns of numbers where the training set has 3",
               [&] { open_dataset(folder / "d", {}, other); });
}

TEST(InspectTexts, GivesLengthsRepeatsAndContradictions) {
  const TemporaryFolder folder;
  const Dataset data =
      open_dataset(folder.write("a.csv", "text,label\na b c,x\na b c,y\nA b; c,x\na  b c,x\n,x\nd,y\n"), {});
  const Json result = inspect(data, *modality_of(*data.train), {});
  EXPECT_EQ(result["train"]["lengths"]["median"], 3);
  EXPECT_EQ(result["train"]["lengths"]["least"], 1);
  EXPECT_EQ(result["train"]["repeated"]["extra"], 2) << "spaces between words are none of the words";
  EXPECT_EQ(result["train"]["repeated"]["conflicting_labels"], 1);
  EXPECT_EQ(result["train"]["nearly_repeated"]["extra"], 1);
  EXPECT_EQ(result["train"]["damaged"][0]["name"], "a.csv:6");
  const std::string text = inspect_text(result);
  EXPECT_THAT(text, HasSubstr("a.csv: texts from text, labels from label"));
  EXPECT_THAT(text, HasSubstr("1 to 3 tokens"));
  EXPECT_THAT(text, HasSubstr("2 texts repeat another"));
  EXPECT_THAT(text, HasSubstr("1 differ from another in case"));
  EXPECT_EQ(text.find("image"), std::string::npos);
}

}  // namespace
}  // namespace fewlabel::testing
