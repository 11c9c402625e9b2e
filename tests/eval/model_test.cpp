#include "eval/model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "core/files.h"
#include "eval/classify.h"
#include "eval/layout_json.h"
#include "eval/memory_store.h"
#include "eval/signed_json.h"
#include "fewlabel/predictor.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "modalities/image/modality.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::MemoryStore;
using testing::TemporaryFolder;

const ImageShape kShape{12, 12, 1};

ModelCard card() {
  ModelCard result;
  result.net.name = "mlp";
  result.normalization = {kShape, {0.25F}, {0.5F}};
  result.classes = {"cat", "dog", "=sum"};
  result.method = "supervised";
  result.data = "toy";
  return result;
}

Net net_of(const ModelCard& card) { return make_net(card.net, kShape, static_cast<int64_t>(card.classes.size()), 7); }

TEST(LayoutJson, GoesThereAndBackAndNamesAKindOfALaterVersion) {
  for (const Layout& layout :
       {Layout{Kind::image, Layout::Type::u8, {28, 30, 3}, 0}, Layout{Kind::text, Layout::Type::i32, {64}, 8000},
        Layout{Kind::table, Layout::Type::f32, {5}, 0}})
    EXPECT_EQ(layout_json(layout_from(layout_json(layout))), layout_json(layout));
  const Error error = testing::error_of([] { layout_from({{"kind", "sound"}}); });
  EXPECT_THAT(error.what(), ::testing::HasSubstr("sound"));
  EXPECT_THAT(error.hint(), ::testing::HasSubstr("version"));
}

TEST(Model, AnswersAlikeAfterSavingAndLoading) {
  const TemporaryFolder folder;
  const ModelCard before = card();
  const Net net = net_of(before);
  net->eval();
  save_model(folder / "model", *net, before);
  const LoadedModel loaded = load_model(folder / "model");
  EXPECT_EQ(loaded.card.classes, before.classes);
  const MemoryStore store(5);
  const std::vector<int64_t> all{0, 1, 2, 3, 4};
  const Tensor expected =
      logits_of([&](const Tensor& x) { return net->forward(x); }, store, all, before.normalization, 2);
  const Tensor got =
      logits_of([&](const Tensor& x) { return loaded.net->forward(x); }, store, all, loaded.card.normalization, 5);
  EXPECT_LT((expected - got).abs().max().item<float>(), 1e-6F);

  const Predictor predictor(folder.path());
  std::vector<uint8_t> pixels(static_cast<std::size_t>(kShape.bytes()));
  store.fetch(3, pixels.data());
  const auto probability = predictor.predict({Image{12, 12, 1, pixels}}).at(0);
  const Tensor softmax = expected[3].softmax(0);
  for (int64_t c = 0; c < 3; ++c)
    EXPECT_NEAR(probability.at(static_cast<std::size_t>(c)), softmax[c].item<float>(), 1e-6);
}

TEST(Model, AnyFlippedBitIsRefusedWithTheFileNamed) {
  const TemporaryFolder folder;
  const ModelCard before = card();
  save_model(folder / "model", *net_of(before), before);
  Random random({.seed = 2, .purpose = "test"});
  for (const std::string file : {"model/model.safetensors", "model/meta.json"}) {
    const std::string content = read_file(folder / file);
    for (int trial = 0; trial < 60; ++trial) {
      std::string flipped = content;
      const auto at = random.below(static_cast<uint32_t>(content.size()));
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
      std::ofstream(folder / file, std::ios::binary) << flipped;
      const auto unharmed = [&] {  // white space between the tokens of meta.json carries nothing
        return file == "model/meta.json" && Json::accept(flipped) && Json::parse(flipped) == Json::parse(content);
      };
      if (unharmed()) continue;
      const auto error = error_of([&] { load_model(folder / "model"); });
      EXPECT_EQ(error.kind(), ErrorKind::storage) << file << " byte " << at << ": " << error.what();
      EXPECT_THAT(error.where(), HasSubstr(file == "model/meta.json" ? "meta.json" : "model.safetensors"));
    }
    std::ofstream(folder / file, std::ios::binary) << content;
  }
  EXPECT_NO_THROW(load_model(folder / "model"));
}

TEST(Model, AMetaFileThatLacksAPartIsDamaged) {
  const TemporaryFolder folder;
  const ModelCard before = card();
  save_model(folder / "model", *net_of(before), before);
  const Json whole = read_signed(folder / "model/meta.json");
  for (const char* part : {"weights", "input", "classes", "format", "net"}) {
    Json less = whole;
    less.erase(part);
    less.erase("hash");
    write_file(folder / "model/meta.json", signed_text(less), Durability::atomic);
    const auto error = error_of([&] { load_model(folder / "model"); });
    EXPECT_EQ(error.kind(), ErrorKind::storage) << part;
    EXPECT_THAT(error.where(), HasSubstr("meta.json")) << part;
  }
}

TEST(Model, ARunWithoutOneSaysSo) {
  const TemporaryFolder folder;
  const auto error = error_of([&] { load_model(folder / "model"); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_EQ(error.where(), folder.path().string());
  EXPECT_THAT(error.message(), HasSubstr("model/meta.json is missing"));
}

TEST(Predictor, AFolderWithoutAModelIsAUsageError) {
  const TemporaryFolder folder;
  const auto error = error_of([&] { Predictor predictor(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("model/meta.json"));
}

TEST(Normalization, MatchesTheMeanAndDeviationOfAllPixels) {
  const MemoryStore store(40);
  std::vector<int64_t> all(40);
  std::iota(all.begin(), all.end(), 0);
  const Normalization rule = make_image_modality(1 << 20)->measure(store, all);
  double sum = 0, square = 0;
  std::vector<uint8_t> pixels(static_cast<std::size_t>(kShape.bytes()));
  for (const int64_t i : all) {
    store.fetch(i, pixels.data());
    for (const uint8_t p : pixels) sum += p / 255.0, square += p / 255.0 * p / 255.0;
  }
  const double n = 40.0 * static_cast<double>(kShape.bytes()), mean = sum / n;
  EXPECT_NEAR(rule.mean.at(0), mean, 1e-5);
  EXPECT_NEAR(rule.deviation.at(0), std::sqrt(square / n - mean * mean), 1e-5);
}

}  // namespace
}  // namespace fewlabel
