#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>

#include "core/command.h"
#include "core/files.h"
#include "core/foreign_words.h"
#include "core/nearby.h"
#include "fewlabel/error.h"
#include "fewlabel/train_config.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

TEST(ForeignWords, AreOursInTheirOwnWords) {
  EXPECT_EQ(translated("batch_size", "64").key, "train.batch");
  EXPECT_EQ(translated("batch-size", "64").value, "64");
  EXPECT_EQ(translated("Learning_Rate", "0.1").key, "optimizer.lr");
  EXPECT_EQ(translated("epochs", "10").key, "train.steps");
  EXPECT_NE(translated("epochs", "10").more, "");
  EXPECT_NE(translated("epochs", "10").value, "10") << "ten epochs are not ten updates";
  EXPECT_FALSE(translated("quite_unheard_of"));
}

TEST(ForeignWords, GraphicsCardsAreDevices) {
  EXPECT_EQ(translated("gpu", "0").value, "cuda");
  EXPECT_EQ(translated("gpu", "").value, "cuda");
  EXPECT_EQ(translated("gpu", "2").value, "cuda:2");
  EXPECT_EQ(translated("gpu", "-1").value, "cpu");
  EXPECT_EQ(translated("gpus", "1").value, "cuda");
  EXPECT_EQ(translated("gpus", "0").value, "cpu");
  EXPECT_NE(translated("gpus", "4").more, "");
}

TEST(ForeignWords, LeadToKeysThatThereAre) {
  std::vector<std::string> keys = {"data", "net", "method", "method.mu", "method.tau"};
  for (const FieldInfo& field : describe_config<TrainConfig>()) keys.push_back(field.name);
  for (const char* word :
       {"epochs",       "iters",         "time_limit",    "bs",           "uratio",      "lr",
        "wd",           "optim",         "scheduler",     "warmup_steps", "grad_clip",   "ema",
        "grad_accum",   "amp",           "gpu",           "cpu",          "num_workers", "num_threads",
        "log_interval", "eval_interval", "save_interval", "dataset",      "val",         "num_labels",
        "num_classes",  "img_size",      "backbone",      "algorithm",    "threshold",   "augmentation",
        "random_seed",  "output_dir",    "pretrained"})
    EXPECT_NE(std::find(keys.begin(), keys.end(), translated(word).key), keys.end()) << word;
}

TEST(Nearby, NamesWhatStandsBeside) {
  const TemporaryFolder folder;
  for (const char* name : {"photos", "phones", ".photo", "else"}) std::filesystem::create_directories(folder / name);
  std::filesystem::create_directories(folder / "photos/cats");
  EXPECT_EQ(nearby_paths(folder / "photo").front(), folder / "photos");
  EXPECT_EQ(nearby_paths(folder / "photo/cats").front(), folder / "photos") << "its folder is misspelt";
  EXPECT_EQ(nearby_paths(folder / "photos/cat").front(), folder / "photos/cats");
  EXPECT_TRUE(nearby_paths(folder / "something-quite-different").empty());
}

TEST(RunProgram, TellsHowItEnded) {
  const auto none = [] { return 0; };
  EXPECT_EQ(run_program({"/bin/sh", "-c", "exit 3"}, none).code, 3);
  EXPECT_EQ(run_program({"/bin/sh", "-c", "kill -9 $$"}, none).signal, 9);
  EXPECT_EQ(error_of([&] { run_program({"/not/there"}, none); }).kind(), ErrorKind::failure);
}

TEST(RunProgram, PassesASignalOnOnce) {
  int asked = 0;
  const Ended ended =
      run_program({"/bin/sh", "-c", "trap 'n=$((n+1))' TERM; while [ -z $n ]; do sleep 0.02; done; exit $n"},
                  [&] { return ++asked < 3 ? 0 : SIGTERM; });
  EXPECT_TRUE(ended.code == 1 || ended.signal == SIGTERM);  // the latter where it came before the trap
}

}  // namespace
}  // namespace fewlabel
