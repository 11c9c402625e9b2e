// Files that predict is given: of any kind and size.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "app/app.h"
#include "app/tiny.h"
#include "data/byte_file.h"
#include "data/decode/encode.h"
#include "helpers.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(Predict, RefusesWhatIsTooLargeOrNoFile) {
  const TemporaryFolder folder;
  for (const std::string name : {"bright", "dark"})
    testing::put(folder / ("photos/" + name + "/0.png"),
                 encode_png({8, 8, 1, std::vector<uint8_t>(64, name == "dark" ? 30 : 200)}));
  train(testing::tiny_training(folder / "photos", folder / "run", "supervised"));

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

}  // namespace
}  // namespace fewlabel
