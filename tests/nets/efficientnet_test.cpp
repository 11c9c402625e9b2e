// EfficientNet-Lite: its published sizes, TensorFlow's padding, and evaluation with norms folded in.
#include <torch/torch.h>

#include "fewlabel/image.h"
#include "helpers.h"
#include "kernels/convolution.h"
#include "nets/build.h"

namespace fewlabel {
namespace {

Net lite(const std::string& size, const ImageShape& shape, int64_t classes = 10, int64_t grid = 1,
         const std::string& norm = "pre") {
  NetConfig config;
  config.name = "efficientnet_" + size;
  config.grid = grid;
  config.norm = norm;
  return make_net(config, shape, classes, 3);
}

/// With statistics and scalars that are not those a net begins with.
Net trained(const std::string& size, const ImageShape& shape, int64_t grid = 1) {
  const Net net = lite(size, shape, 10, grid);
  const torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (auto& item : net->named_parameters())
    if (item.value().dim() == 1) item.value().add_(0.2 * torch::randn_like(item.value()));
  for (int i = 0; i < 3; ++i) net->features(torch::randn({4, shape.channels, shape.height, shape.width}));
  net->eval();
  return net;
}

Tensor pictures(int64_t count, const ImageShape& shape) {
  torch::manual_seed(4);
  return torch::randn({count, shape.channels, shape.height, shape.width}).contiguous(torch::MemoryFormat::ChannelsLast);
}

/// By libtorch's operators alone.
Tensor by_libtorch(NetModule& net, const Tensor& x) {
  kernels::enable(false);
  const Tensor y = net.features(x);
  kernels::enable(true);
  return y;
}

double distance(const Tensor& a, const Tensor& b) { return ((a - b).abs().max() / b.abs().max()).item<double>(); }

TEST(EfficientNet, HasThePublishedNumberOfParameters) {
  const ImageShape shape{64, 64, 3};
  EXPECT_EQ(parameter_count(*lite("lite0", shape, 1000)), 4'652'008);
  EXPECT_EQ(parameter_count(*lite("lite1", shape, 1000)), 5'416'680);
  EXPECT_EQ(parameter_count(*lite("lite2", shape, 1000)), 6'092'072);
}

TEST(EfficientNet, NamesAndShapesAreThoseOfTimm) {
  const auto all = lite("lite0", {64, 64, 3})->named_parameters();
  const auto shape = [&](const std::string& name) { return all[name].sizes().vec(); };
  using Sizes = std::vector<int64_t>;
  EXPECT_EQ(shape("conv_stem.weight"), (Sizes{32, 3, 3, 3}));
  EXPECT_EQ(shape("bn1.weight"), (Sizes{32}));
  EXPECT_EQ(shape("blocks.0.0.conv_dw.weight"), (Sizes{32, 1, 3, 3}));
  EXPECT_EQ(shape("blocks.0.0.conv_pw.weight"), (Sizes{16, 32, 1, 1}));
  EXPECT_EQ(shape("blocks.0.0.bn2.bias"), (Sizes{16}));
  EXPECT_EQ(shape("blocks.2.1.conv_pw.weight"), (Sizes{240, 40, 1, 1}));
  EXPECT_EQ(shape("blocks.2.1.conv_dw.weight"), (Sizes{240, 1, 5, 5}));
  EXPECT_EQ(shape("blocks.2.1.conv_pwl.weight"), (Sizes{40, 240, 1, 1}));
  EXPECT_EQ(shape("blocks.6.0.bn3.weight"), (Sizes{320}));
  EXPECT_EQ(shape("conv_head.weight"), (Sizes{1280, 320, 1, 1}));
  EXPECT_EQ(shape("bn2.weight"), (Sizes{1280}));
  EXPECT_EQ(shape("head.linear.weight"), (Sizes{10, 1280}));
}

TEST(EfficientNet, EvaluationWithNormsFoldedInEqualsLibtorchs) {
  const torch::NoGradGuard no_grad;
  for (const auto& [size, shape] : {std::pair{"lite0", ImageShape{64, 64, 3}},
                                    {"lite0", {33, 50, 1}},
                                    {"lite1", {48, 31, 3}},
                                    {"lite2", {40, 40, 3}}}) {
    const Net net = trained(size, shape);
    const Tensor x = pictures(3, shape), y = net->features(x);
    EXPECT_EQ(y.sizes(), (std::vector<int64_t>{3, 1280}));
    EXPECT_LT(distance(y, by_libtorch(*net, x)), 1e-4) << size;
    const torch::AutoGradMode gradients(true);
    EXPECT_LT(distance(net->features(x).detach(), y), 1e-4) << size;  // with gradients nothing is folded
  }
}

/// With random scalars and statistics, which stay.
Net tuned(const std::string& size, const ImageShape& shape, int64_t grid) {
  const Net net = lite(size, shape, 10, grid, "kept");
  const Net other = trained(size, shape, grid);
  const torch::NoGradGuard no_grad;
  const auto from = other->named_parameters(), statistics = other->named_buffers();
  for (auto& item : net->named_parameters()) item.value().copy_(from[item.key()]);
  for (auto& item : net->named_buffers()) item.value().copy_(statistics[item.key()]);
  net->train();
  return net;
}

/// Features, then the gradients of all parameters but the head's.
std::vector<Tensor> learnt(NetModule& net, const Tensor& x) {
  net.zero_grad();
  const Tensor y = net.features(x);
  torch::manual_seed(6);
  y.backward(torch::randn_like(y));
  std::vector<Tensor> all{y.detach()};
  for (const auto& item : net.named_parameters())
    if (!item.key().starts_with("head.")) all.push_back(item.value().grad().clone());
  return all;
}

TEST(EfficientNet, LearnsAsWithLibtorchWhereNormsKeepTheirStatistics) {
  for (const auto& [size, shape, grid] :
       {std::tuple{"lite0", ImageShape{64, 48, 3}, int64_t{1}}, {"lite0", {33, 50, 1}, 2}, {"lite2", {40, 40, 3}, 1}}) {
    const Net net = tuned(size, shape, grid);
    const Tensor x = pictures(11, shape);
    const auto ours = learnt(*net, x);
    kernels::enable(false);
    const auto wanted = learnt(*net, x);
    kernels::enable(true);
    ASSERT_EQ(ours.size(), wanted.size());
    // A value that rounds to the other side of a limit takes or gives its gradient whole; the kernels' tests are
    // strict.
    for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_LT(distance(ours[i], wanted[i]), 2e-2) << size << " " << i;
  }
}

TEST(EfficientNet, LearnsTheSameBitsWithMoreThreads) {
  const ImageShape shape{48, 48, 3};
  const Net net = tuned("lite0", shape, 1);
  const Tensor x = pictures(9, shape);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = learnt(*net, x);
  at::set_num_threads(3);
  const auto three = learnt(*net, x);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
}

TEST(EfficientNet, KeepsItsStatisticsWhateverModeItIsPutInto) {
  const ImageShape shape{32, 32, 3};
  const Net net = tuned("lite0", shape, 1);
  const Tensor mean = net->named_buffers()["bn1.running_mean"].clone();
  const auto look = [&] { net->features(pictures(4, shape).requires_grad_()); };  // the plain path
  look();
  net->eval();
  net->train();
  look();
  EXPECT_TRUE(torch::equal(net->named_buffers()["bn1.running_mean"], mean));
  const Net moves = trained("lite0", shape);
  moves->train();
  const Tensor before = moves->named_buffers()["bn1.running_mean"].clone();
  moves->features(pictures(4, shape));
  EXPECT_FALSE(torch::equal(moves->named_buffers()["bn1.running_mean"], before));
}

TEST(EfficientNet, FoldsWhatTheWeightsAreNow) {
  const torch::NoGradGuard no_grad;
  const ImageShape shape{32, 32, 3};
  const Net net = trained("lite0", shape);
  const Tensor x = pictures(2, shape), before = net->features(x);
  for (auto& buffer : net->buffers()) buffer.mul_(2);
  const Tensor after = net->features(x);
  EXPECT_GT(distance(after, before), 1e-3);
  EXPECT_LT(distance(after, by_libtorch(*net, x)), 1e-4);
}

TEST(EfficientNet, OfAPictureAreTheSameBitsInABatchAndWithMoreThreads) {
  const torch::NoGradGuard no_grad;
  const ImageShape shape{120, 120, 3};  // three of them go together
  const Net net = trained("lite0", shape);
  const Tensor x = pictures(7, shape);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Tensor one = net->features(x);
  EXPECT_TRUE(torch::equal(net->features(x.slice(0, 5, 6))[0], one[5]));
  at::set_num_threads(3);
  EXPECT_TRUE(torch::equal(net->features(x), one));
  at::set_num_threads(threads);
}

TEST(EfficientNet, GridKeepsTheFeaturesOfEachPlaceApart) {
  const torch::NoGradGuard no_grad;
  const ImageShape shape{64, 64, 3};
  const Net grid = trained("lite0", shape, 2), whole = trained("lite0", shape);
  ASSERT_EQ(grid->feature_size(), 4 * 1280);
  const Tensor x = pictures(2, shape), places = grid->features(x).view({2, 1280, 4});
  EXPECT_TRUE(torch::allclose(places.mean(2), whole->features(x), 1e-3, 1e-4));
}

/// TensorFlow's SAME by its definition: result i sees from i · stride - ⌊needed / 2⌋ on.
TEST(EfficientNet, PadsAsTensorflowDoes) {
  const torch::NoGradGuard no_grad;
  for (const int32_t side : {8, 9, 16, 17}) {
    const ImageShape shape{side, side, 1};
    const Net net = lite("lite0", shape);
    net->eval();
    // A stem that copies its input, by its filters' first places: the stem's results then tell where they began.
    const auto weights = net->named_parameters();
    const Tensor x = torch::arange(side * side, torch::kFloat).view({1, 1, side, side}) / (side * side) + 1;
    weights["conv_stem.weight"].zero_();
    weights["conv_stem.weight"].select(1, 0).select(1, 0).select(1, 0).fill_(1);
    const int64_t results = (side + 1) / 2, needed = std::max<int64_t>((results - 1) * 2 + 3 - side, 0);
    Tensor stem = torch::zeros({1, 1, results, results});
    for (int64_t i = 0; i < results; ++i)
      for (int64_t j = 0; j < results; ++j) {
        const int64_t row = 2 * i - needed / 2, column = 2 * j - needed / 2;
        if (row >= 0 && column >= 0) stem[0][0][i][j] = x[0][0][row][column];
      }
    // The same net shown that map in place of the stem's must say the same: a stem of the middle places, on a map with
    // each number at the middle of its window.
    Tensor spread = torch::zeros_like(x);
    for (int64_t i = 0; i < results; ++i)
      for (int64_t j = 0; j < results; ++j) {
        const int64_t row = 2 * i - needed / 2 + 1, column = 2 * j - needed / 2 + 1;
        if (row < side && column < side) spread[0][0][row][column] = stem[0][0][i][j];
      }
    const Tensor wanted = net->features(x);
    weights["conv_stem.weight"].zero_();
    weights["conv_stem.weight"].select(1, 0).select(1, 1).select(1, 1).fill_(1);
    EXPECT_LT(distance(net->features(spread), wanted), 1e-5) << side;
  }
}

}  // namespace
}  // namespace fewlabel
