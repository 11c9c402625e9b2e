// Files that predict is given: of any kind and size.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "app/app.h"
#include "app/tiny.h"
#include "core/cancel.h"
#include "core/files.h"
#include "core/text.h"
#include "data/byte_file.h"
#include "helpers.h"
#include "modalities/image/decode/encode.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// A run that knows bright from dark, as far as one step goes.
void make_run(const TemporaryFolder& folder) {
  for (const std::string name : {"bright", "dark"})
    testing::put(folder / ("photos/" + name + "/0.png"),
                 encode_png({8, 8, 1, std::vector<uint8_t>(64, name == "dark" ? 30 : 200)}));
  train(testing::tiny_training(folder / "photos", folder / "run", "supervised"));
}

TEST(Predict, RefusesWhatIsTooLargeOrNoFile) {
  const TemporaryFolder folder;
  make_run(folder);
  const auto refusal = [&](const std::string& path) {
    PredictRequest request;
    request.run = folder / "run";
    request.paths = {path};
    request.strict = true;
    return error_of([&] { predict(request); }).message();
  };
  const std::string large = folder.write("large.png", ""), pipe = folder / "pipe.png";
  std::filesystem::resize_file(large, static_cast<std::uintmax_t>(kMaxEncodedBytes) + 1);
  EXPECT_THAT(refusal(large), HasSubstr("more than the 268.4 MB that are read at most"));
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(refusal(pipe), "is not a regular file");
}

TEST(Predict, PutsTheSurestLastAndGivesEveryClassAColumn) {
  const TemporaryFolder folder;
  make_run(folder);
  for (int i = 0; i < 20; ++i)
    testing::put(folder / ("inbox/" + std::to_string(i) + ".png"),
                 encode_png({8, 8, 1, std::vector<uint8_t>(64, static_cast<uint8_t>(13 * (i * 7 % 20)))}));
  PredictRequest request;
  request.run = folder / "run";
  request.paths = {folder / "inbox"};
  request.order = PredictOrder::uncertainty;
  request.all_probabilities = true;
  request.output = folder / "out.csv";
  predict(request);
  const auto lines = split_text(trim(read_file(request.output)), '\n');
  ASSERT_EQ(lines.size(), 21U);
  EXPECT_EQ(lines[0], "path,class,probability,p_bright,p_dark");
  double before = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto fields = split_text(lines[i], ',');
    const double sure = std::stod(fields.at(2)), bright = std::stod(fields.at(3)), dark = std::stod(fields.at(4));
    EXPECT_GE(sure, before);
    EXPECT_EQ(sure, std::max(bright, dark));
    EXPECT_NEAR(bright + dark, 1, 2e-6);
    EXPECT_EQ(fields.at(1), bright > dark ? "bright" : "dark");
    before = sure;
  }
  EXPECT_GT(before, std::stod(split_text(lines[1], ',').at(2))) << "all are equally sure: nothing was sorted";
  request.format = "jsonl";
  request.order = PredictOrder::given;
  predict(request);
  const Json first = Json::parse(split_text(read_file(request.output), '\n').front());
  EXPECT_EQ(first.at("path"), folder / "inbox/0.png");
  EXPECT_EQ(first.at("probability"), std::max(first.at("probabilities").at("bright").get<double>(),
                                              first.at("probabilities").at("dark").get<double>()));
}

TEST(Predict, LeavesTheOldFileWhenItIsStoppedOrFindsNothing) {
  const TemporaryFolder folder;
  make_run(folder);
  PredictRequest request;
  request.run = folder / "run";
  request.paths = {folder.write("text.png", "no picture")};
  request.output = folder.write("out.csv", "old");
  EXPECT_EQ(error_of([&] { predict(request); }).kind(), ErrorKind::data);
  request.paths = {folder / "photos"};
  request_cancel(ErrorKind::interrupted);
  EXPECT_EQ(error_of([&] { predict(request); }).kind(), ErrorKind::interrupted);
  clear_cancel();
  EXPECT_EQ(read_file(folder / "out.csv"), "old");
}

TEST(Generate, LeavesNothingOfWhatWasStopped) {
  const TemporaryFolder folder;
  make_run(folder);
  train(testing::tiny_training(folder / "photos", folder / "vae", "vae"));
  GenerateRequest request;
  request.run = folder / "vae";
  request.count = 3;
  request.output = folder / "samples/new/";
  request_cancel(ErrorKind::interrupted);
  EXPECT_EQ(error_of([&] { generate(request); }).kind(), ErrorKind::interrupted);
  clear_cancel();
  EXPECT_TRUE(std::filesystem::is_empty(folder / "samples"));
  std::filesystem::create_directories(folder / "empty");
  std::filesystem::create_directory_symlink("empty", folder / "link");
  for (const std::string output : {"samples/new/", "link"}) {
    request.output = folder / output;
    generate(request);
    EXPECT_TRUE(std::filesystem::exists(request.output + "/train/unlabeled/000002.png")) << output;
    EXPECT_TRUE(std::filesystem::exists(request.output + "/grid.png")) << output;
    EXPECT_EQ(error_of([&] { generate(request); }).kind(), ErrorKind::usage) << "it is not empty now";
  }
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
}

}  // namespace
}  // namespace fewlabel
