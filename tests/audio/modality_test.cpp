#include "modalities/audio/modality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "data/inspect.h"
#include "fewlabel/error.h"
#include "fewlabel/image.h"
#include "modalities/modalities.h"
#include "sounds.h"

namespace fewlabel {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::said;
using testing::tone;
using testing::write_sound;

class Sounds : public ::testing::Test {
 protected:
  Sounds() : folder_(fs::path(::testing::TempDir()) / "fewlabel_audio") {
    fs::remove_all(folder_);
    for (const char* name : {"low", "high", "unlabeled"}) fs::create_directories(folder_ / name);
    for (int i = 0; i < 4; ++i) {
      write_sound(folder_ / "low" / (std::to_string(i) + ".wav"), tone(200 + 10 * i, 8000, 0.5));
      write_sound(folder_ / "high" / (std::to_string(i) + ".wav"), tone(2000 + 10 * i, 8000, 0.5));
      write_sound(folder_ / "unlabeled" / (std::to_string(i) + ".wav"), tone(300 + 500 * i, 8000, 0.5));
    }
  }
  std::string path() const { return folder_.string(); }
  void put(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  fs::path folder_;
};

TEST_F(Sounds, a_folder_of_them_is_data) {
  const Dataset data = open_dataset(path(), {});
  EXPECT_EQ(data.train->kind(), Kind::audio);
  EXPECT_EQ(data.train->size(), 12);
  EXPECT_EQ(data.classes, (std::vector<std::string>{"high", "low"}));
  const auto modality = plain_modality(Kind::audio, {});
  const Layout layout = modality->guess(*data.train);
  EXPECT_EQ(layout.rate, 8000);
  EXPECT_EQ(layout.sizes, (std::vector<int32_t>{64, 50, 1}));
  EXPECT_TRUE(is_picture(layout));
  const auto store = make_store(data.train, modality, {.layout = layout});
  std::vector<float> a(static_cast<std::size_t>(layout.values())), b(a);
  store->fetch(0, reinterpret_cast<uint8_t*>(a.data()));  // high
  store->fetch(4, reinterpret_cast<uint8_t*>(b.data()));  // low
  const auto loudest = [&](const std::vector<float>& values) {
    return (std::max_element(values.begin(), values.end()) - values.begin()) / layout.sizes[1];
  };
  EXPECT_GT(loudest(a), loudest(b) + 20);
  const Normalization rule = modality->measure(*store, {0, 1, 2, 3, 4, 5}, 100);
  ASSERT_EQ(rule.mean.size(), 1U);
  EXPECT_GT(rule.deviation[0], 1);
}

TEST_F(Sounds, the_commonest_rate_and_most_lengths_decide) {
  write_sound(folder_ / "low" / "long.wav", tone(200, 44100, 9), {.rate = 44100});
  const Layout layout = plain_modality(Kind::audio, {})->guess(*open_dataset(path(), {}).train);
  EXPECT_EQ(layout.rate, 8000);
  EXPECT_EQ(layout.sizes[1], 50);
  EXPECT_EQ(layout.longest, 8 * 4000);  // of the long one more is kept than is seen at once, and not all
}

TEST_F(Sounds, a_longer_one_is_answered_for_by_all_its_parts) {
  write_sound(folder_ / "low" / "long.wav", tone(200, 8000, 2));
  const Dataset data = open_dataset(path(), {});
  const auto modality = plain_modality(Kind::audio, {});
  const auto store = make_store(data.train, modality, {.layout = modality->guess(*data.train)});
  std::vector<uint8_t> kept(static_cast<std::size_t>(store->kept_layout().bytes()));
  int64_t most = 0;
  for (int64_t i = 0; i < store->size(); ++i) {
    ASSERT_TRUE(store->fetch_kept(i, kept.data()));
    most = std::max(most, store->parts(kept.data()));
  }
  EXPECT_EQ(most, 7);
}

TEST_F(Sounds, a_table_may_name_parts) {
  write_sound(folder_ / "all.wav", tone(500, 8000, 4));
  put("parts.csv", "path,start,end,label\nall.wav,0,1,low\nall.wav,1.5,2.25,high\nall.wav,3,,low\n");
  const Dataset data = open_dataset((folder_ / "parts.csv").string(), {});
  ASSERT_EQ(data.train->size(), 3);
  EXPECT_EQ(data.train->name(0), "all.wav#t=0,1");
  EXPECT_EQ(data.train->name(1), "all.wav#t=1.5,2.25");
  EXPECT_EQ(data.train->name(2), "all.wav#t=3");
  const auto modality = plain_modality(Kind::audio, {});
  EXPECT_EQ(modality->own_layout("", data.train->raw(1)).longest, 6000);
  EXPECT_EQ(modality->own_layout("", data.train->raw(2)).longest, 8000);
  put("nemo.jsonl",
      "{\"audio_filepath\": \"all.wav\", \"offset\": 1, \"duration\": 0.5, \"label\": \"a\"}\n"
      "{\"audio_filepath\": \"all.wav\", \"offset\": 2, \"duration\": 0.5, \"label\": \"b\"}\n");
  EXPECT_EQ(open_dataset((folder_ / "nemo.jsonl").string(), {}).train->name(1), "all.wav#t=2,2.5");
  put("same.csv", "path,start,end,label\nall.wav,0,1,a\nall.wav,0,1,b\n");
  EXPECT_THAT(said([&] { open_dataset((folder_ / "same.csv").string(), {}); }), HasSubstr("listed twice"));
  put("back.csv", "path,start,end,label\nall.wav,2,1,a\n");
  EXPECT_THAT(said([&] { open_dataset((folder_ / "back.csv").string(), {}); }),
              HasSubstr("ends at 1 seconds and begins at 2"));
  put("words.csv", "path,start,end,label\nall.wav,two,3,a\n");
  EXPECT_THAT(said([&] { open_dataset((folder_ / "words.csv").string(), {}); }), HasSubstr("start is 'two'"));
}

TEST_F(Sounds, tables_beside_each_other_may_name_parts_or_not) {
  fs::create_directories(folder_ / "tables");
  write_sound(folder_ / "tables" / "all.wav", tone(500, 8000, 4));
  write_sound(folder_ / "tables" / "more.wav", tone(500, 8000, 1));
  put("tables/train.csv", "path,start,end,label\nall.wav,0,1,low\nall.wav,1,2,high\n");
  put("tables/unlabeled.csv", "path\nmore.wav\n");
  const Dataset data = open_dataset((folder_ / "tables").string(), {});
  ASSERT_EQ(data.train->size(), 3);
  EXPECT_EQ(data.train->name(1), "all.wav#t=1,2");
  EXPECT_EQ(data.train->name(2), "more.wav");
  EXPECT_EQ(plain_modality(Kind::audio, {})->own_layout("", data.train->raw(2)).longest, 8000);
}

TEST_F(Sounds, untranscribed_ones_may_stand_in_a_table_of_their_own) {
  fs::create_directories(folder_ / "said");
  for (const char* name : {"a.wav", "b.wav", "c.wav"}) write_sound(folder_ / "said" / name, tone(500, 8000, 0.5));
  put("said/train.csv", "path,transcript\na.wav,one two\nb.wav,\n");
  put("said/unlabeled.csv", "path\nc.wav\n");
  const Dataset data = open_dataset((folder_ / "said").string(), {});
  const Source& train = *data.train;
  ASSERT_TRUE(train.transcribed());
  ASSERT_EQ(train.size(), 3);
  EXPECT_EQ(train.transcript(0), "one two");
  EXPECT_EQ(train.label(1), kUnlabeled);
  EXPECT_EQ(train.transcript(2), "");
  EXPECT_EQ(train.label(2), kUnlabeled);
}

TEST_F(Sounds, damaged_ones_are_left_out_and_named) {
  put("low/broken.wav", "no recording");
  const Dataset data = open_dataset(path(), {});
  const auto modality = plain_modality(Kind::audio, {});
  const auto store = make_store(data.train, modality, {.layout = modality->guess(*data.train)});
  ASSERT_EQ(store->damage().size(), 1U);
  EXPECT_THAT(store->damage()[0].reason, HasSubstr("cannot be read as a recording"));
  EXPECT_THAT(said([&] { make_store(data.train, modality, {.layout = modality->guess(*data.train), .strict = true}); }),
              HasSubstr("broken.wav"));
}

TEST_F(Sounds, inspection_counts_seconds_and_rates) {
  const Dataset data = open_dataset(path(), {});
  const Json found = inspect(data, *plain_modality(Kind::audio, {}), {});
  EXPECT_EQ(found["train"]["lengths"]["median"], 0.5);
  EXPECT_EQ(found["train"]["rates"]["8000"], 12);
  EXPECT_EQ(found["train"]["formats"]["wav"], 12);
  const std::string text = inspect_text(found);
  EXPECT_THAT(text, HasSubstr("Recordings"));
  EXPECT_THAT(text, HasSubstr("0.50 seconds"));
}

TEST_F(Sounds, pictures_and_recordings_are_not_mixed_up) {
  put("low/cover.png", "x");
  EXPECT_EQ(open_dataset(path(), {}).train->kind(), Kind::audio);
  for (int i = 0; i < 12; ++i) put("low/" + std::to_string(i) + ".png", "x");
  EXPECT_THAT(said([&] { open_dataset(path(), {}); }), HasSubstr("13 images and 12 recordings"));
  EXPECT_EQ(open_dataset(path(), {.kind = Kind::audio}).train->size(), 12);
}

TEST_F(Sounds, transcripts_beside_them_are_no_examples) {
  for (int i = 0; i < 4; ++i)
    for (const char* name : {"low", "high", "unlabeled"})
      put(std::string(name) + "/" + std::to_string(i) + ".txt", "what is said");
  EXPECT_EQ(open_dataset(path(), {}).train->kind(), Kind::audio);
}

TEST_F(Sounds, a_player_and_a_spectrogram_show_one) {
  const Dataset data = open_dataset(path(), {});
  const auto modality = plain_modality(Kind::audio, {});
  const auto store = make_store(data.train, modality, {.layout = modality->guess(*data.train)});
  const Json shown = modality->show({*data.train, *store, 0}, 64);
  EXPECT_EQ(shown.at("kind"), "sound");
  EXPECT_TRUE(shown.at("wav").get<std::string>().starts_with("UklGR"));  // RIFF
  EXPECT_TRUE(shown.at("png").get<std::string>().starts_with("iVBOR"));
}

TEST_F(Sounds, a_model_keeps_how_it_hears) {
  const auto modality = plain_modality(Kind::audio, {.sound = {.mels = 40, .window_ms = 32, .hop_ms = 8, .trim = 30}});
  modality->write(folder_);
  const auto again = load_modality(Kind::audio, folder_, {});
  const Dataset data = open_dataset(path(), {});
  EXPECT_EQ(again->guess(*data.train), modality->guess(*data.train));
  EXPECT_EQ(again->guess(*data.train).sizes[0], 40);
  put("audio.json", "{}");
  EXPECT_THAT(said([&] { load_modality(Kind::audio, folder_, {}); }), HasSubstr("audio.json"));
}

}  // namespace
}  // namespace fewlabel
