// data.virtual: examples that a generator made join the labelled ones of any method.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include <fstream>

#include "app/planning.h"
#include "app/setup.h"
#include "app/stage.h"
#include "helpers.h"
#include "plan/resolve.h"

namespace fewlabel {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

template <typename T>
void write_npy(const std::string& path, const std::string& type, const std::string& shape,
               const std::vector<T>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header += std::string(63 - (10 + header.size()) % 64, ' ') + '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size() & 0xFF)
       << static_cast<char>(header.size() >> 8) << header;
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
}

/// `labels.size()` images of 8 × 8 pixels; every pixel of an image is its number plus `first`.
std::string images(const TemporaryFolder& folder, const std::string& name, const std::vector<int64_t>& labels,
                   int first) {
  std::filesystem::create_directories(folder / name);
  std::vector<uint8_t> pixels;
  for (std::size_t i = 0; i < labels.size(); ++i)
    pixels.insert(pixels.end(), 64, static_cast<uint8_t>(first + static_cast<int>(i)));
  write_npy(folder / (name + "/images.npy"), "|u1", std::to_string(labels.size()) + ", 8, 8", pixels);
  write_npy(folder / (name + "/labels.npy"), "<i8", std::to_string(labels.size()) + ",", labels);
  return folder / name;
}

struct Bench {
  TemporaryFolder folder;
  TrainConfig config;
  Plan plan;
  PreparedData data;

  explicit Bench(const std::vector<int64_t>& made, const std::string& method = "supervised") {
    config.data.path = images(folder, "real", {0, 1, 2, 0, 1, 2, -1, -1}, 10);
    if (!made.empty()) config.data.virtual_examples = images(folder, "made", made, 100);
    config.data.virtual_share = 0.25;
    config.method = Json{{"name", method}};
    config.net.name = "mlp";
    config.train.steps = 2;
    config.train.batch = 6;
    config.train.precision = "fp32";
  }
  void open() {
    data = open_data(config.data);
    plan = resolve(config, {.found = data.found,
                            .labeled = data.labeled.size(),
                            .unlabeled = data.unlabeled.size(),
                            .classes = 3,
                            .threads = 1})
               .plan;
    load_data(data, plan.data, 1);
  }
};

TEST(VirtualExamples, AreMatchedByClassAndThoseWithoutLabelPassedOver) {
  Bench bench({2, -1, 0, 0});
  bench.open();
  EXPECT_THAT(bench.data.virtual_examples.index, ElementsAre(0, 2, 3));
  EXPECT_THAT(bench.data.virtual_examples.label, ElementsAre(2, 0, 0));
  EXPECT_EQ(bench.data.labeled.size(), 6);
  const Json described = describe_data(bench.data);
  EXPECT_EQ(described.at("virtual"), 3);
  EXPECT_TRUE(described.at("hash").contains("virtual"));
}

TEST(VirtualExamples, JoinTheLabelledOfAnyMethodAndNotThoseOfItsBaseline) {
  Bench bench({2, 1, 0, 0});
  bench.open();
  const auto options_of = [&](const Plan& plan) {
    StageOptions options;
    options.plan = plan;
    options.conduct.workers = 0;
    options.normalization = {bench.data.train->layout(), {0.5F}, {0.5F}};
    return options;
  };
  Stage with(bench.data, options_of(bench.plan));
  with.run();
  Plan plain = baseline_of(bench.plan);
  EXPECT_TRUE(plain.data.virtual_examples.empty());
  Stage without(bench.data, options_of(plain));
  without.run();
  const auto a = with.method().parameters(), b = without.method().parameters();
  EXPECT_FALSE(torch::equal(a[0], b[0]));
}

TEST(VirtualExamples, OfAClassThatNoFolderCanBeCalledAreKnownByItsFolder) {
  Bench bench({1, 0, 0});
  std::ofstream(bench.folder / "real/classes.txt") << "shoe\nT-shirt/top\nbag\n";
  std::ofstream(bench.folder / "made/classes.txt") << "T-shirt-top\nshoe\n";  // as `generate` calls them
  bench.open();
  EXPECT_THAT(bench.data.virtual_examples.label, ElementsAre(0, 1, 1));
}

TEST(VirtualExamples, OfAnUnknownClassAreRefused) {
  Bench bench({0, 3});
  const Error error = error_of([&] { bench.open(); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.message(), HasSubstr("'3'"));
}

TEST(VirtualExamples, WithoutAnyLabelAreRefused) {
  Bench bench({-1, -1});
  EXPECT_EQ(error_of([&] { bench.open(); }).kind(), ErrorKind::data);
}

TEST(VirtualExamples, AreOfNoUseWithoutLabels) {
  Bench bench({0, 1});
  EXPECT_EQ(error_of([&] { open_data(bench.config.data, /*labels_needed=*/false); }).kind(), ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel
