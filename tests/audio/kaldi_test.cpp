// Data folders of Kaldi: whole files, parts of recordings, transcripts, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fewlabel/error.h"
#include "sounds.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::said;
using testing::tone;
using testing::write_sound;

class Kaldi : public ::testing::Test {
 protected:
  Kaldi() : folder_(fs::path(::testing::TempDir()) / "fewlabel_kaldi") {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "wav");
    for (const char* name : {"a", "b", "c"})
      write_sound(folder_ / "wav" / (std::string(name) + ".wav"), tone(300, 8000, 2));
    put("wav.scp", "utt-a wav/a.wav\nutt-b\twav/b.wav\n\nutt-c  wav/c.wav\n");
    put("text", "utt-b two  words\nutt-a one\n");
  }
  void put(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  Dataset open(const DataOptions& options = {}) const { return open_dataset(folder_.string(), options); }
  std::string refused() const {
    return said([&] { open(); });
  }

  fs::path folder_;
};

TEST_F(Kaldi, files_and_what_is_said_in_them) {
  const Dataset data = open();
  ASSERT_EQ(data.train->size(), 3);
  EXPECT_EQ(data.train->kind(), Kind::audio);
  EXPECT_TRUE(data.train->transcribed());
  EXPECT_EQ(data.train->transcript(0), "one");
  EXPECT_EQ(data.train->transcript(1), "two  words");
  EXPECT_EQ(data.train->name(1), "wav/b.wav");
  EXPECT_EQ(data.train->label(0), 0);
  EXPECT_EQ(data.train->label(2), kUnlabeled);
}

TEST_F(Kaldi, an_utterance_may_be_a_part_of_a_recording) {
  put("segments", "utt-a a 0.5 1.25\nutt-b a 1.25 -1\n");
  put("wav.scp", "a wav/a.wav\n");
  const Dataset data = open();
  ASSERT_EQ(data.train->size(), 2);
  EXPECT_EQ(data.train->name(0), "wav/a.wav#t=0.5,1.25");
  EXPECT_EQ(data.train->raw(1).begin, 1.25);
  EXPECT_EQ(data.train->raw(1).end, 0);
  EXPECT_EQ(data.train->transcript(1), "two  words");
  put("segments", "utt-a z 0.5 1.25\n");
  EXPECT_THAT(refused(), HasSubstr("line 1: recording 'z' is not in wav.scp"));
  put("segments", "utt-a a 1.5 1.25\n");
  EXPECT_THAT(refused(), HasSubstr("ends at 1.25 seconds and begins at 1.5"));
  put("segments", "utt-a a 1.5\n");
  EXPECT_THAT(refused(), HasSubstr("3 fields; wanted utterance, recording, begin and end"));
  put("segments", "utt-a a one 2\n");
  EXPECT_THAT(refused(), HasSubstr("'one' is no time"));
}

TEST_F(Kaldi, what_is_said_may_be_classes) {
  put("text", "utt-a yes\nutt-b no\n");
  const Dataset data = open({.target = "class"});
  EXPECT_FALSE(data.train->transcribed());
  EXPECT_EQ(data.classes, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(data.train->label(0), 1);
  EXPECT_EQ(data.train->label(2), kUnlabeled);
}

TEST_F(Kaldi, folders_say_what_they_are_for) {
  fs::remove(folder_ / "wav.scp");
  put("train/wav.scp", "utt-a ../wav/a.wav\n");
  put("train/text", "utt-a one\nutt-z never\n");
  put("unlabeled/wav.scp", "utt-b ../wav/b.wav\n");
  put("unlabeled/text", "utt-b two\n");
  put("test/wav.scp", "utt-c ../wav/c.wav\n");
  put("test/text", "utt-c three\n");
  const Dataset data = open();
  ASSERT_EQ(data.train->size(), 2);
  EXPECT_EQ(data.train->transcript(0), "one");
  EXPECT_EQ(data.train->transcript(1), "");
  ASSERT_TRUE(data.test);
  EXPECT_EQ(data.test->transcript(0), "three");
  EXPECT_THAT(data.notes, ::testing::Contains(HasSubstr("1 of 2 lines belong to no recording, 'utt-z'")));
  EXPECT_TRUE(fs::exists(data.train->raw(0).file));
}

TEST_F(Kaldi, commands_archives_and_doubles_are_refused) {
  put("wav.scp", "utt-a sph2pipe -f wav a.sph |\n");
  EXPECT_THAT(refused(), HasSubstr("line 1: 'utt-a' comes from a command, and none is run"));
  put("wav.scp", "utt-a raw.ark:17\n");
  EXPECT_THAT(refused(), HasSubstr("lies inside an archive"));
  put("wav.scp", "utt-a wav/a.wav\nutt-a wav/b.wav\n");
  EXPECT_THAT(refused(), HasSubstr("line 2: 'utt-a' is there twice, first in line 1"));
  put("wav.scp", "utt-a\n");
  EXPECT_THAT(refused(), HasSubstr("'utt-a' has no file"));
  put("wav.scp", "\n");
  EXPECT_THAT(refused(), HasSubstr("lists no recording"));
}

}  // namespace
}  // namespace fewlabel
