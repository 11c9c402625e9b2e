// However a file is damaged: a net or an Error, and no more memory than its size deserves.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <torch/torch.h>

#include "fewlabel/random.h"
#include "helpers.h"
#include "model_bytes.h"
#include "onnx/module.h"

namespace fewlabel {
namespace {

using namespace fewlabel::testing;
using onnx::Weights;

int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

/// Whether a net was read. Runs it as well: what was read must not end the process later.
bool survives(const TemporaryFolder& folder, const std::string& bytes, Weights weights) {
  const std::string path = folder.write("net.onnx", bytes);
  try {
    OnnxModule net(path, weights);
    const torch::Tensor y = net->forward(torch::ones({2, 1, 6, 6}));
    if (y.requires_grad() && y.numel() > 0) y.sum().backward();
    return true;
  } catch (const Error& error) {
    EXPECT_FALSE(error.message().empty());
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    return false;
  }  // anything else fails the test
}

void damage(const std::string& bytes, Weights weights) {
  const TemporaryFolder folder;
  ASSERT_TRUE(survives(folder, bytes, weights));
  const int64_t before = peak_memory();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_FALSE(survives(folder, bytes.substr(0, size), weights)) << size << " bytes";
  Random random({.seed = 1, .purpose = "onnx fuzz"});
  int nets = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string flipped = bytes;
    const auto at = random.below(static_cast<uint32_t>(bytes.size()));
    flipped[at] = static_cast<char>(static_cast<uint32_t>(flipped[at]) ^ (1 + random.below(255)));
    nets += survives(folder, flipped, weights);
  }
  EXPECT_GT(nets, 0);  // a weight's value is as good as another
  EXPECT_LT(nets, 2000);
  EXPECT_LT(peak_memory() - before, int64_t{512} << 20);
}

TEST(OnnxFuzz, ADamagedFileIsANetOrAnError) { damage(model_bytes(small_net()), Weights::in_file); }

TEST(OnnxFuzz, ADamagedSkeletonIsANetOrAnError) {
  const TemporaryFolder folder;
  OnnxModule(folder.write("net.onnx", model_bytes(small_net())))->write_skeleton(folder / "skeleton.onnx");
  std::ifstream file(folder / "skeleton.onnx", std::ios::binary);
  damage(std::string(std::istreambuf_iterator<char>(file), {}), Weights::elsewhere);
}

}  // namespace
}  // namespace fewlabel
