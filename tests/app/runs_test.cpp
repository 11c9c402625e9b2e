// Whole runs on a folder of tiny pictures: what is saved, what passes on, what is measured afterwards.
#include <gmock/gmock.h>

#include <filesystem>

#include "app/app.h"
#include "app/located.h"
#include "app/recipe_stages.h"
#include "core/files.h"
#include "eval/saved_method.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "methods/toy.h"
#include "modalities/image/decode/encode.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using ::testing::HasSubstr;
using testing::state_of;
using testing::TemporaryFolder;

/// Bright pictures and dark ones, every second without a label, and a test set.
struct Photos {
  TemporaryFolder folder;
  std::string data = folder / "photos";

  Photos() {
    Random random({.seed = 3, .purpose = "photos"});
    for (int i = 0; i < 48; ++i) {
      const bool bright = i % 2 == 0, test = i >= 32;
      const std::string name = bright ? "bright" : "dark";
      const fs::path inside = fs::path(data) / (test ? "test" : "train") / (test || i % 4 < 2 ? name : "unlabeled");
      make_folder(inside);
      Image image{8, 8, 1, {}};
      for (int p = 0; p < 64; ++p)
        image.pixels.push_back(static_cast<uint8_t>((bright ? 150 : 30) + static_cast<int>(random.below(80))));
      write_file(inside / (name + std::to_string(i) + ".png"), encode_png(image), Durability::atomic);
    }
  }
  std::string run(const std::string& name) const { return folder / name; }

  Json train(const std::string& out, std::vector<std::string> more, bool resume = false) const {
    TrainRequest request;
    request.overrides = {"out=" + run(out)};
    if (!resume)
      request.overrides.insert(request.overrides.end(),
                               {"data=" + data, "net=mlp", "train.batch=8", "train.threads=1", "train.workers=0"});
    request.overrides.insert(request.overrides.end(), more.begin(), more.end());
    request.chatter = Chatter::quiet;
    request.resume = resume;
    request.command = "fewlabel train";
    return fewlabel::train(request);
  }
};

TEST(Runs, KeepTheWholeMethodBesideTheModel) {
  const Photos photos;
  const Json summary = photos.train("a", {"method=supervised", "method.view=weak", "train.steps=30"});
  EXPECT_GE(summary["accuracy"].get<double>(), 0.9);
  EXPECT_EQ(summary["method_title"], "Supervised");
  const LoadedMethod loaded = load_method(photos.run("a"));
  EXPECT_EQ(loaded.card.name(), "supervised");
  EXPECT_EQ(loaded.card.task.labeled, 16);
  EXPECT_TRUE(fs::exists(photos.run("a") + "/model/meta.json"));
}

TEST(Runs, StartFromTheWeightsOfAnother) {
  const Photos photos;
  photos.train("a", {"method=supervised", "method.view=weak", "train.steps=30"});
  const std::string hash = read_method_card(photos.run("a")).hash;
  // One step at a learning rate of 0: what comes out is what went in.
  const Json summary = photos.train("b", {"method=supervised", "train.steps=1", "optimizer.lr=0", "train.average=0",
                                          "init=" + photos.run("a"), "seed=5"});
  EXPECT_THAT(summary["init"].get<std::string>(), HasSubstr("head included"));
  EXPECT_THAT(read_file(photos.run("b") + "/plan.toml"), HasSubstr(hash));
  const auto before = state_of(*load_method(photos.run("a")).method),
             after = state_of(*load_method(photos.run("b")).method);
  for (const auto& [name, value] : before) EXPECT_TRUE(torch::equal(value, after.at(name))) << name;

  const auto mismatch = error_of([&] {
    photos.train("c", {"method=supervised", "train.steps=1", "net=cnn", "init=" + photos.run("a")});
  });
  EXPECT_EQ(mismatch.kind(), ErrorKind::usage);
  EXPECT_THAT(mismatch.message(), HasSubstr("wanted a cnn"));
  const auto other = error_of([&] {
    photos.train("d", {"method=supervised", "train.steps=1", "init=" + photos.run("a"), "init_hash=abc"});
  });
  EXPECT_THAT(other.message(), HasSubstr("other weights"));
  EXPECT_FALSE(fs::exists(photos.run("d")));
}

TEST(Runs, KeepTheOneThatStandsThereWhenTheNewOneIsRefused) {
  const Photos photos;
  photos.train("a", {"method=supervised", "train.steps=1"});
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"net=nothing_such"}, {"augment.contrast=flop"}, {"net.dropout=2"}}) {
    TrainRequest request;
    request.overrides = {"out=" + photos.run("a"), "data=" + photos.data, "method=supervised", "train.steps=1"};
    request.overrides.insert(request.overrides.end(), wrong.begin(), wrong.end());
    request.overwrite = true;
    request.chatter = Chatter::quiet;
    EXPECT_EQ(error_of([&] { train(request); }).kind(), ErrorKind::usage) << wrong[0];
    EXPECT_TRUE(fs::exists(photos.run("a") + "/model/model.safetensors")) << wrong[0];
  }
}

TEST(Runs, WhatIsRefusedBeforeTrainingLeavesNoRun) {
  const Photos photos;
  write_file(fs::path(photos.data) / "train/unlabeled/cut.png", "no picture", Durability::atomic);
  const std::vector<std::string> strict = {"method=supervised", "train.steps=1", "data.strict=true"};
  EXPECT_EQ(error_of([&] { photos.train("a", strict); }).kind(), ErrorKind::data);
  EXPECT_FALSE(fs::exists(photos.run("a")));
}

TEST(Runs, SayHowTheyEndedWhateverWasThrown) {
  const Photos photos;
  EXPECT_THROW(photos.train("a", {"method=supervised", "train.steps=60", "optimizer.lr=100", "optimizer.clip=0",
                                  "optimizer.warmup=0", "train.precision=fp32", "optimizer.momentum=0.99"}),
               Error);
  const RunStatus status = RunFolder::open(photos.run("a")).status();
  EXPECT_EQ(status.state, RunState::failed);
  EXPECT_EQ(status.exit_code, exit_code(ErrorKind::diverged));
}

TEST(Runs, FindTheirDataFromAnotherFolder) {
  const Photos photos;
  RunFolder run = RunFolder::create(photos.run("a"));
  run.write_json(run.environment(), {{"working_folder", photos.folder.path().string()}});
  EXPECT_EQ(located("photos", run), photos.data);
  DataPlan data;
  data.path = "photos@4:seed=1";
  EXPECT_EQ(located(data, run).path, photos.data + "@4:seed=1");
  EXPECT_EQ(located("nowhere", run), "nowhere");
  EXPECT_EQ(located("/photos", run), "/photos");
}

std::string chain_recipe(const Photos& photos) {
  const std::string path = photos.folder / "chain.toml";
  write_file(path,
             "[train]\nbatch = 8\nthreads = 1\nworkers = 0\n"
             "[[stage]]\nmethod = \"supervised\"\n[stage.train]\nsteps = 20\n"
             "[[stage]]\n[stage.method]\nname = \"freematch\"\n[stage.train]\nsteps = 6\n",
             Durability::atomic);
  return path;
}

TrainRequest chain_request(const Photos& photos, const std::string& out) {
  TrainRequest request;
  request.recipe = chain_recipe(photos);
  request.overrides = {"out=" + photos.run(out), "data=" + photos.data, "net=mlp", "stage.2.method.mu=2"};
  request.chatter = Chatter::quiet;
  request.command = "fewlabel train chain.toml";
  return request;
}

TEST(Chain, WeightsPassOnAndTheLastStageIsTheResult) {
  const Photos photos;
  const Json summary = train(chain_request(photos, "c"));
  EXPECT_EQ(summary["method"], "freematch");
  EXPECT_EQ(summary["name"], "c");
  ASSERT_EQ(summary["stages"].size(), 2u);
  EXPECT_EQ(summary["stages"][0]["method"], "supervised");
  EXPECT_THAT(summary["stages"][1]["init"].get<std::string>(), HasSubstr("pretrain-1"));
  EXPECT_THAT(read_file(photos.run("c") + "/plan.toml"), HasSubstr("starts_from = 'pretrain-1'"));
  EXPECT_THAT(read_file(photos.run("c") + "/plan.toml"), HasSubstr("mu = 2"));
  EXPECT_EQ(load_method(photos.run("c") + "/stages/pretrain-1").card.name(), "supervised");
  EXPECT_TRUE(fs::exists(photos.run("c") + "/stages/pretrain-1/report.html"));
  EvaluateRequest again;
  again.run = photos.run("c");
  EXPECT_EQ(evaluate(again)["accuracy"], summary["accuracy"]);
  EXPECT_TRUE(fs::exists(photos.run("c") + "/report.html"));
}

TEST(Chain, GoesOnWhereItStopped) {
  const Photos photos;
  train(chain_request(photos, "whole"));
  train(chain_request(photos, "cut"));
  // As if the process had been killed before the second stage began, and the folder moved; another run stands where it
  // was.
  for (const char* name : {"/summary.json", "/status.json", "/model", "/result.json"})
    fs::remove_all(photos.run("cut") + name);
  fs::rename(photos.run("cut"), photos.run("moved"));
  TrainRequest other = chain_request(photos, "cut");
  other.overrides.push_back("seed=7");
  train(other);
  const auto first = fs::last_write_time(photos.run("moved") + "/stages/pretrain-1/summary.json");
  photos.train("moved", {}, /*resume=*/true);
  EXPECT_EQ(fs::last_write_time(photos.run("moved") + "/stages/pretrain-1/summary.json"), first);  // not trained again
  const auto a = state_of(*load_method(photos.run("whole")).method),
             b = state_of(*load_method(photos.run("moved")).method);
  for (const auto& [name, value] : a) EXPECT_TRUE(torch::equal(value, b.at(name))) << name;
}

TEST(Chain, EveryStageIsCheckedBeforeAnyBegins) {
  const Photos photos;
  TrainRequest request = chain_request(photos, "c");
  request.overrides.push_back("stage.2.method.tua=1");
  const auto error = error_of([&] { train(request); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.where(), HasSubstr("stage 2"));
  EXPECT_FALSE(fs::exists(photos.run("c")));
}

TEST(Chain, ABudgetIsSharedInProportion) {
  Json recipe = Json::parse(R"({"stage": [{"train": {"minutes": 3}}, {"train": {"steps": 7, "minutes": 1}}]})");
  share_minutes(recipe, 8);
  EXPECT_EQ(recipe["stage"][0]["train"]["minutes"], 6.0);
  EXPECT_EQ(recipe["stage"][1]["train"], (Json{{"minutes", 2.0}}));
}

TEST(Chain, ABudgetIsSharedAmongStagesThatSayNothingAndRefusesWords) {
  Json open =
      Json::parse(R"({"train": {"minutes": 2}, "stage": [{"train": {"minutes": "auto"}}, {"train": {"minutes": 6}}]})");
  share_minutes(open, 4);
  EXPECT_EQ(open["stage"][0]["train"]["minutes"], 1.0);
  EXPECT_EQ(open["stage"][1]["train"]["minutes"], 3.0);
  for (const char* minutes : {"\"abc\"", "0", "true"}) {
    Json wrong = Json::parse(R"({"stage": [{"train": {"minutes": )" + std::string(minutes) + "}}]}");
    EXPECT_EQ(error_of([&] { share_minutes(wrong, 1); }).kind(), ErrorKind::usage) << minutes;
  }
}

/// The same pictures without a test set.
std::string without_test(const Photos& photos) {
  fs::remove_all(fs::path(photos.data) / "test");
  return photos.data;
}

TEST(Estimate, StandsWhereThereIsNoTestSetAndComparesTheLabelsAlone) {
  const Photos photos;
  without_test(photos);
  const std::vector<std::string> settings = {"method=fixmatch", "train.steps=30", "baseline=supervised"};
  const Json summary = photos.train("a", settings);
  EXPECT_FALSE(summary.contains("accuracy"));
  EXPECT_GE(summary["estimated_accuracy"].get<double>(), 0.8);
  EXPECT_LE(summary["estimated_low"], summary["estimated_accuracy"]);
  EXPECT_GE(summary["estimated_high"], summary["estimated_accuracy"]);
  EXPECT_EQ(summary["estimate_examples"], 16);  // each label is held out once
  EXPECT_TRUE(summary.contains("supervised_estimated_accuracy"));
  EXPECT_FALSE(fs::exists(photos.run("a") + "/checkpoints"));
  const Json none = photos.train("b", {"method=fixmatch", "train.steps=30", "estimate=none"});
  EXPECT_FALSE(none.contains("estimated_accuracy"));
  // The estimate chose nothing: the weights are those of a run without it.
  const auto a = state_of(*load_method(photos.run("a")).method), b = state_of(*load_method(photos.run("b")).method);
  for (const auto& [name, value] : a) EXPECT_TRUE(torch::equal(value, b.at(name))) << name;
}

TEST(Estimate, AValidationSetJudgesInItsPlace) {
  const Photos photos;
  fs::rename(fs::path(photos.data) / "test", photos.folder / "mine");
  const Json summary =
      photos.train("a", {"method=fixmatch", "train.steps=30", "data.validation=" + (photos.folder / "mine")});
  EXPECT_GE(summary["accuracy"].get<double>(), 0.8);
  EXPECT_EQ(summary["test_examples"], 16);
  EXPECT_FALSE(summary.contains("estimated_accuracy"));
  EvaluateRequest again;
  again.run = photos.run("a");
  EXPECT_EQ(evaluate(again)["accuracy"], summary["accuracy"]);
}

TEST(Resume, OfAFinishedRunRefusesOtherSettingsByName) {
  const Photos photos;
  photos.train("a", {"method=supervised", "train.steps=2"});
  EXPECT_NO_THROW(photos.train("a", {"train.steps=2", "train.workers=1"}, /*resume=*/true));
  const Error error = error_of([&] { photos.train("a", {"train.steps=3"}, /*resume=*/true); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("train.steps=3"));
  EXPECT_THAT(error.hint(), HasSubstr("init="));
}

TEST(DryRun, SaysWhatItWouldDoAndWritesNothing) {
  const Photos photos;
  TrainRequest request;
  request.overrides = {"out=" + photos.run("a"), "data=" + photos.data, "train.threads=1", "baseline=supervised"};
  request.minutes = 0.1;
  request.dry_run = true;
  request.chatter = Chatter::quiet;
  const Json plan = train(request);
  ASSERT_EQ(plan["stages"].size(), 2u);
  EXPECT_EQ(plan["stages"][0]["stage"], "main");
  EXPECT_GT(plan["stages"][0]["train"]["steps"], 1);
  EXPECT_GT(plan["step_seconds"].get<double>(), 0);
  EXPECT_FALSE(fs::exists(photos.run("a")));
}

TEST(DryRun, ShrinksPhotographsUntilTheBudgetHoldsEnoughSteps) {
  const TemporaryFolder folder;
  for (int i = 0; i < 8; ++i) {
    const fs::path inside = fs::path(folder / "photos") / (i < 4 ? (i % 2 ? "a" : "b") : "unlabeled");
    make_folder(inside);
    write_file(inside / (std::to_string(i) + ".png"),
               encode_png({240, 320, 3, std::vector<uint8_t>(240 * 320 * 3, static_cast<uint8_t>(30 * i))}),
               Durability::atomic);
  }
  TrainRequest request;
  request.overrides = {"data=" + (folder / "photos"), "train.threads=1"};
  request.minutes = 0.05;
  request.dry_run = true;
  request.chatter = Chatter::quiet;
  const Json plan = train(request)["stages"][0];
  EXPECT_EQ(plan["data"]["size"], 32);
  EXPECT_THAT(plan["net"]["name"].get<std::string>(), ::testing::AnyOf("cnn", "seed_cnn"));
  EXPECT_LE(plan["train"]["minutes"].get<double>(), 0.05);
  request.overrides.insert(request.overrides.end(), {"data.size=16", "net=mlp", "train.batch=4"});
  const Json own = train(request)["stages"][0];
  EXPECT_EQ(own["data"]["size"], 16);
  EXPECT_EQ(own["net"]["name"], "mlp");
  EXPECT_EQ(own["train"]["batch"], 4);
}

TEST(Probes, MeasureFeaturesOfARunAndPixels) {
  const Photos photos;
  photos.train("a", {"method=supervised", "method.view=weak", "train.steps=30"});
  EvaluateRequest request;
  request.run = photos.run("a");
  request.probes = {"knn", "linear", "cluster", "finetune@4"};
  request.k = 3;
  request.steps = 10;
  const Json found = evaluate(request);
  for (const char* key : {"knn_accuracy", "knn_euclidean_accuracy", "linear_accuracy", "cluster_accuracy"})
    EXPECT_GE(found[key].get<double>(), 0.9) << key;
  EXPECT_EQ(found["labels"], 4);
  EXPECT_GE(found["finetune_accuracy"].get<double>(), 0.5);
  EXPECT_TRUE(found.contains("scratch_accuracy"));
  const Json kept = Json::parse(read_file(photos.run("a") + "/probes.json"));
  EXPECT_EQ(kept["knn"]["probe_labels"], 16);
  EXPECT_TRUE(kept.contains("finetune@4"));

  request.run = "pixels";
  request.data = photos.data;
  request.probes = {"knn"};
  EXPECT_EQ(evaluate(request)["knn_euclidean_accuracy"], 1.0);  // brightness is all there is
  request.probes = {"kmn"};
  EXPECT_THAT(error_of([&] { evaluate(request); }).hint(), HasSubstr("knn"));
}

TEST(Embed, WritesAnArrayAndTheNamesBesideIt) {
  const Photos photos;
  photos.train("a", {"method=supervised", "train.steps=2"});
  const Json made =
      embed({.run = photos.run("a"), .data = photos.data, .part = "test", .output = photos.folder / "f.npy"});
  EXPECT_EQ(made["examples"], 16);
  const std::string bytes = read_file(photos.folder / "f.npy");
  EXPECT_EQ(bytes.substr(1, 5), "NUMPY");
  EXPECT_THAT(bytes.substr(0, 128), HasSubstr("(16, " + std::to_string(made["features"].get<int64_t>()) + ")"));
  EXPECT_EQ(bytes.size(), 128u + 16 * 4 * made["features"].get<std::size_t>());
  EXPECT_THAT(read_file(photos.folder / "f.csv"), HasSubstr("bright"));
}

TEST(Generate, RefusesWhatCannotSampleBeforeWriting) {
  const Photos photos;
  photos.train("a", {"method=supervised", "train.steps=2"});
  GenerateRequest request{.run = photos.run("a"),
                          .count = 4,
                          .of_class = {},
                          .seed = 0,
                          .format = "png",
                          .output = photos.folder / "samples"};
  EXPECT_EQ(error_of([&] { generate(request); }).kind(), ErrorKind::usage);
  EXPECT_FALSE(fs::exists(request.output));
}

/// Every generative method, as far as there is one: samples of a short run are a data set.
TEST(Generate, SamplesAreADataSet) {
  const Photos photos;
  for (const MethodInfo& info : all_methods()) {
    if (info.family != "self/adversarial" && info.family != "self/autoencoding" && info.family != "semi/generative")
      continue;
    if (!info.takes(Kind::image)) continue;
    std::vector<std::string> overrides{"method=" + info.name, "train.steps=2", "probe=none"};
    if (info.settings.contains("/net/name"_json_pointer))  // that method has no use for another one
      overrides.push_back("net=" + info.settings.at("/net/name"_json_pointer).get<std::string>());
    photos.train(info.name, overrides);
    const LoadedMethod loaded = load_method(photos.run(info.name));
    auto* sampler = dynamic_cast<Sampler*>(loaded.method.get());
    if (!sampler) continue;
    const std::string out = photos.folder / (info.name + "-samples");
    GenerateRequest request{
        .run = photos.run(info.name), .count = 5, .of_class = {}, .seed = 1, .format = "png", .output = out};
    generate(request);
    EXPECT_TRUE(fs::exists(out + "/grid.png"));
    const Dataset data = open_dataset(out, {});
    EXPECT_EQ(data.train->size(), 5) << info.name;
    EXPECT_EQ(data.train->label(0) == kUnlabeled, !sampler->conditional()) << info.name;
    EXPECT_EQ(error_of([&] { generate(request); }).kind(), ErrorKind::usage);  // the folder is taken
    if (sampler->conditional()) {
      request.output = out + "-dark";
      request.of_class = "dark";
      generate(request);
      EXPECT_EQ(open_dataset(request.output, {}).classes, std::vector<std::string>{"dark"});
    }
  }
}

}  // namespace
}  // namespace fewlabel
