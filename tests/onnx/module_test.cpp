// A net out of an ONNX file trains, names its weights, and is saved without them.
#include "onnx/module.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "helpers.h"
#include "model_bytes.h"

namespace fewlabel {
namespace {

using namespace fewlabel::testing;
using onnx::Weights;
using ::testing::HasSubstr;

torch::Tensor images() { return torch::arange(2 * 36, torch::kFloat).mul(0.37).sin().view({2, 1, 6, 6}); }

TEST(OnnxModule, WeightsAreParametersAndStatisticsBuffers) {
  const TemporaryFolder folder;
  const std::string path = folder.write("net.onnx", model_bytes(small_net()));
  OnnxModule net(path);
  EXPECT_EQ(net->name(), path);
  EXPECT_EQ(net->named_parameters().keys(),
            (std::vector<std::string>{"conv_weight", "conv_bias", "bn_weight", "bn_bias", "fc_weight", "fc_bias"}));
  EXPECT_EQ(net->named_buffers().keys(), (std::vector<std::string>{"bn_mean", "bn_var"}));
  for (const auto& parameter : net->parameters()) EXPECT_TRUE(parameter.requires_grad());
  const torch::Tensor mean = net->named_buffers()["bn_mean"].clone();
  net->train();
  EXPECT_EQ(net->forward(images()).sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_TRUE(net->named_buffers()["bn_mean"].equal(mean));
}

TEST(OnnxModule, NamesThatLookAlikeStayApart) {
  const TemporaryFolder folder;
  ModelParts parts;
  parts.nodes = {node("Add", {"x", "a.b"}, {"p"}), node("Add", {"p", "a/b"}, {"q"}),
                 node("Add", {"q", "a_b_2"}, {"y"})};
  for (const char* name : {"a_b_2", "a/b", "a.b"}) parts.initializers.push_back(initializer(name, {2}, {1, 2}));
  OnnxModule net(folder.write("net.onnx", model_bytes(parts)));
  EXPECT_EQ(net->named_parameters().keys(), (std::vector<std::string>{"a_b", "a_b_2", "a_b_2_2"}));
}

TEST(OnnxModule, SingleNumbersAndWhatShapesAreNoParameters) {
  const TemporaryFolder folder;
  ModelParts parts;
  parts.nodes = {node("Resize", {"x", "", "scales"}, {"a"}), node("Mul", {"a", "half"}, {"y"})};
  parts.initializers = {initializer("scales", {3}, {1, 1, 2}), initializer("half", {}, {0.5F}),
                        initializer("unused", {4}, {1, 2, 3, 4})};
  OnnxModule net(folder.write("net.onnx", model_bytes(parts)));
  EXPECT_TRUE(net->parameters().empty());
  EXPECT_EQ(net->forward(torch::ones({1, 1, 3})).sum().item<float>(), 3);
}

// The meta device, which every machine has: constants follow the input, what says how to shape stays.
TEST(OnnxModule, ConstantsFollowTheInputToItsDevice) {
  const TemporaryFolder folder;
  const auto whole = [](const std::string& name, const std::vector<int64_t>& values) {
    WireWriter tensor;
    tensor.integer(1, static_cast<int64_t>(values.size()));
    tensor.integer(2, testing::kLong);
    for (const int64_t value : values) tensor.integer(7, value);
    tensor.text(8, name);
    return tensor;
  };
  ModelParts parts;
  parts.nodes = {node("Mul", {"x", "half"}, {"a"}),
                 node("Add", {"a", "numbers"}, {"b"}),
                 node("Shape", {"b"}, {"s"}),
                 node("Slice", {"s", "one", "two"}, {"t"}),
                 node("Concat", {"minus", "t"}, {"shape"}, {integer("axis", 0)}),
                 node("Reshape", {"b", "shape"}, {"y"})};
  parts.initializers = {initializer("half", {}, {0.5F}), whole("numbers", {1, 0, 4}), whole("one", {1}),
                        whole("two", {2}), whole("minus", {-1})};
  OnnxModule net(folder.write("net.onnx", model_bytes(parts)));
  for (const auto device : {torch::kMeta, torch::kCPU, torch::kMeta}) {
    const torch::Tensor y = net->forward(torch::ones({2, 3}, device));
    EXPECT_EQ(y.device().type(), device);
    EXPECT_EQ(y.sizes(), (std::vector<int64_t>{2, 3}));
  }
}

TEST(OnnxModule, GradientsAreThoseOfFiniteDifferences) {
  const TemporaryFolder folder;
  OnnxModule net(folder.write("net.onnx", model_bytes(small_net())));
  net->to(torch::kDouble);
  const torch::Tensor x = images().to(torch::kDouble).requires_grad_();
  const auto loss = [&] { return (net->forward(x) * torch::arange(4, torch::kDouble).view({2, 2})).square().sum(); };
  loss().backward();
  torch::NoGradGuard no_grad;
  const auto check = [&](torch::Tensor value, const std::string& name) {
    ASSERT_TRUE(value.grad().defined()) << name;
    torch::Tensor flat = value.data().view({-1});
    for (int64_t i = 0; i < flat.numel(); i += 5) {
      const double kept = flat[i].item<double>(), step = 1e-6;
      flat[i] = kept + step;
      const double above = loss().item<double>();
      flat[i] = kept - step;
      const double below = loss().item<double>();
      flat[i] = kept;
      EXPECT_NEAR(value.grad().view({-1})[i].item<double>(), (above - below) / (2 * step), 1e-6) << name << " " << i;
    }
  };
  for (const auto& item : net->named_parameters()) check(item.value(), item.key());
  check(x, "x");
}

TEST(OnnxModule, Learns) {
  const TemporaryFolder folder;
  OnnxModule net(folder.write("net.onnx", model_bytes(small_net())));
  torch::optim::SGD optimizer(net->parameters(), 0.1);
  const torch::Tensor y = torch::tensor({0, 1}, torch::kLong);
  const auto loss = [&] { return torch::cross_entropy_loss(net->forward(images()), y); };
  const double before = loss().item<double>();
  for (int i = 0; i < 50; ++i) {
    optimizer.zero_grad();
    loss().backward();
    optimizer.step();
  }
  EXPECT_LT(loss().item<double>(), 0.8 * before);
}

TEST(OnnxModule, ASkeletonHasAllButTheWeights) {
  const TemporaryFolder folder;
  const std::string path = folder.write("net.onnx", model_bytes(small_net())), skeleton = folder / "skeleton.onnx";
  OnnxModule net(path);
  net->write_skeleton(skeleton);
  EXPECT_LT(std::filesystem::file_size(skeleton), std::filesystem::file_size(path));
  const Error error = error_of([&] { OnnxModule strict(skeleton); });
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.message(), HasSubstr("has no data for"));
  OnnxModule empty(skeleton, Weights::elsewhere);
  EXPECT_EQ(empty->forward(images()).abs().sum().item<float>(), 0);
  EXPECT_EQ(empty->named_parameters().keys(), net->named_parameters().keys());
  EXPECT_EQ(empty->named_buffers().keys(), net->named_buffers().keys());
  // The skeleton of a skeleton is the same file.
  empty->write_skeleton(folder / "again.onnx");
  std::ifstream first(skeleton, std::ios::binary), second(folder / "again.onnx", std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(first), {}),
            std::string(std::istreambuf_iterator<char>(second), {}));
}

TEST(OnnxModule, WhatCannotBeRunNamesTheNode) {
  const TemporaryFolder folder;
  const std::string path = folder.write("net.onnx", model_bytes(small_net()));
  OnnxModule net(path);
  const Error error = error_of([&] { net->forward(torch::zeros({2, 3, 6, 6})); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(error.where(), path);
  EXPECT_THAT(error.message(), HasSubstr("node 'the_Conv' (Conv) cannot be run: "));
  EXPECT_THAT(error.message(), HasSubstr("to have 1 channels"));
  EXPECT_EQ(error.message().find('\n'), std::string::npos);
}

TEST(OnnxModule, NumbersThatWouldEndTheProcessAreRefused) {
  const TemporaryFolder folder;
  const auto refuses = [&](const WireWriter& attribute) {
    ModelParts parts = small_net();
    parts.nodes[0] = node("Conv", {"x", "conv.weight", "conv.bias"}, {"a"}, {attribute});
    OnnxModule net(folder.write("net.onnx", model_bytes(parts)));
    EXPECT_THAT(error_of([&] { net->forward(images()); }).message(), HasSubstr("node 'the_Conv' (Conv) has"));
  };
  refuses(integer("group", 0));
  for (const char* name : {"strides", "dilations"})
    for (const int64_t number : {int64_t{0}, int64_t{-1}, INT64_MAX}) refuses(integers(name, {1, number}));
  refuses(integers("pads", {1, 1, 1, int64_t{1} << 40}));
  refuses(integers("strides", {1, 1, 1}));
}

// libtorch 1.13's gelu errs where the gradient's order of memory is another than the input's.
TEST(OnnxModule, GeluOfTransposedValuesHasItsGradient) {
  const TemporaryFolder folder;
  ModelParts parts;
  parts.opset = 20;
  parts.nodes = {node("Transpose", {"x"}, {"t"}), node("Gelu", {"t"}, {"g"}), node("Mul", {"g", "w"}, {"y"})};
  parts.initializers = {initializer("w", {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})};
  OnnxModule net(folder.write("net.onnx", model_bytes(parts)));
  const torch::Tensor x = torch::linspace(-2, 2, 12).view({3, 4}).requires_grad_();
  net->forward(x).sum().backward();
  const torch::Tensor v = x.detach(), w = torch::arange(1, 13, torch::kFloat).view({4, 3}).t();
  const torch::Tensor slope = 0.5 * (1 + (v / std::sqrt(2.0)).erf()) + v * (-0.5 * v * v).exp() / std::sqrt(2 * M_PI);
  EXPECT_TRUE(torch::allclose(x.grad(), w * slope, 1e-5, 1e-5));
}

}  // namespace
}  // namespace fewlabel
