// Whole runs on texts: what is read first where no method was asked for, and what a vocabulary that was learnt is for.
#include <gmock/gmock.h>

#include <fstream>

#include "app/app.h"
#include "core/files.h"
#include "fewlabel/random.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr uint32_t kWords = 200;  // of each trade

std::string word_of(uint32_t trade, uint32_t number) {
  const std::string consonants = "bdfgklmnprstvz", vowels = "aeiou";
  std::string word;
  for (uint32_t rest = 2 * number + trade + 700; rest > 0; rest /= 70) {
    word += consonants[rest % 70 / 5];
    word += vowels[rest % 5];
  }
  return word;
}

/// Sentences of two trades, each with words of its own, of which a few labelled sentences show a few.
struct Sentences {
  TemporaryFolder folder;
  std::string data = folder / "train.csv", test = folder / "test.csv", other = folder / "other.csv";

  Sentences() {
    write(data, 1, 800, 8);
    write(test, 2, 200, 200);
    write(other, 3, 60, 60);
  }

  static void write(const std::string& path, uint64_t seed, int count, int labelled) {
    Random random({.seed = seed, .purpose = "sentences"});
    std::ofstream file(path);
    file << "text,label\n";
    for (int i = 0; i < count; ++i) {
      const auto trade = static_cast<uint32_t>(i % 2);
      for (int word = 0; word < 6; ++word) file << (word ? " " : "") << word_of(trade, random.below(kWords));
      file << ',' << (i < labelled ? (trade == 0 ? "sailor" : "farmer") : "") << '\n';
    }
  }

  TrainRequest request(const std::string& out, std::vector<std::string> more = {}) const {
    TrainRequest request;
    request.overrides = {"data=" + data,   "data.test=" + test, "out=" + (folder / out),
                         "train.steps=60", "train.threads=1",   "train.workers=0",
                         "net=bag"};
    request.overrides.insert(request.overrides.end(), more.begin(), more.end());
    request.chatter = Chatter::quiet;
    request.command = "fewlabel train";
    return request;
  }
};

TEST(Texts, AreReadBeforeTheirLabelsAreLearnt) {
  const Sentences sentences;
  const Json summary = train(sentences.request("read"));
  EXPECT_EQ(summary["stages"][0]["method"], "cbow");
  EXPECT_EQ(summary["method"], "uda");
  EXPECT_THAT(summary["init"].get<std::string>(), HasSubstr("pretrain-1"));
  EXPECT_GE(summary["accuracy"].get<double>(), 0.9);
  // Else what was read would be worth nothing.
  const Json alone = train(sentences.request("alone", {"method=supervised"}));
  EXPECT_FALSE(alone.contains("stages"));
  EXPECT_LE(alone["accuracy"].get<double>(), summary["accuracy"].get<double>() - 0.1);
}

TEST(Texts, AreReadInTheirOrderByANetThatDoes) {
  const Sentences sentences;
  TrainRequest request = sentences.request("planned", {"net=bert_mini"});
  request.dry_run = true;
  const Json plan = train(request);
  EXPECT_THAT(plan.dump(), HasSubstr("mlm"));
  EXPECT_THAT(plan.dump(), Not(HasSubstr("cbow")));
}

TEST(Texts, AreProbedInTheVocabularyOfTheRun) {
  const Sentences sentences;
  train(sentences.request("run", {"method=cbow", "train.steps=30", "probe=none"}));
  EvaluateRequest request;
  request.run = sentences.folder / "run";
  request.data = sentences.other + "@20";
  request.probes = {"knn"};
  request.chatter = Chatter::quiet;
  EXPECT_GE(evaluate(request)["knn_accuracy"].get<double>(), 0.5);
}

}  // namespace
}  // namespace fewlabel
