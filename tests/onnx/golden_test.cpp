// Each operator in each of its forms against onnxruntime: the values of scripts/golden/onnx_operators.py.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "helpers.h"
#include "onnx/module.h"

namespace fewlabel {
namespace {

using Json = nlohmann::json;
using fewlabel::testing::TemporaryFolder;

std::string from_base64(const std::string& text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    group = group << 6 | static_cast<uint32_t>(kDigits.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(group >> bits & 0xFF));
  }
  return bytes;
}

torch::Tensor tensor_of(const Json& packed) {
  const auto type = packed.at("type").get<std::string>() == "int64" ? torch::kLong : torch::kFloat;
  torch::Tensor tensor = torch::empty(packed.at("shape").get<std::vector<int64_t>>(), type);
  const std::string bytes = from_base64(packed.at("values").get<std::string>());
  EXPECT_EQ(bytes.size(), static_cast<std::size_t>(tensor.numel()) * tensor.element_size());
  std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

const Json& golden() {
  static const Json content = [] {
    std::ifstream file(FEWLABEL_GOLDEN "/onnx.json");
    return Json::parse(file);
  }();
  return content;
}

/// Of the scale, with the same infinities and NaN at the same places.
double difference(const torch::Tensor& got, const torch::Tensor& wanted) {
  if (got.sizes() != wanted.sizes()) return INFINITY;
  if (wanted.numel() == 0) return 0;
  const torch::Tensor finite = wanted.isfinite();
  if (!finite.equal(got.isfinite())) return INFINITY;
  const torch::Tensor zero = torch::zeros({});
  const double scale = torch::where(finite, wanted, zero).abs().max().item<double>();
  return torch::where(finite, got - wanted, zero).abs().max().item<double>() / std::max(scale, 1.0);
}

TEST(OnnxGolden, EachOperatorIsTheReferences) {
  const TemporaryFolder folder;
  ASSERT_GE(golden().size(), 250u);
  for (const Json& test : golden()) {
    SCOPED_TRACE(test.at("name").get<std::string>());
    const std::string path = folder.write("model.onnx", from_base64(test.at("model").get<std::string>()));
    try {
      OnnxModule net(path);
      const torch::Tensor x = tensor_of(test.at("input")), wanted = tensor_of(test.at("output")), got = net->forward(x);
      EXPECT_EQ(got.sizes(), wanted.sizes());
      EXPECT_EQ(got.scalar_type(), torch::kFloat);
      const double far = difference(got.detach(), wanted);
      EXPECT_LE(far, 1e-5) << "got\n" << got << "\nwanted\n" << wanted;
      // As it was, once its weights are elsewhere.
      net->write_skeleton(folder / "skeleton.onnx");
      OnnxModule again(folder / "skeleton.onnx", onnx::Weights::elsewhere);
      torch::NoGradGuard no_grad;
      const auto from = net->named_parameters(), to = again->named_parameters();
      ASSERT_EQ(from.keys(), to.keys());
      for (const auto& item : from) to[item.key()].copy_(item.value());
      ASSERT_EQ(net->named_buffers().keys(), again->named_buffers().keys());
      for (const auto& item : net->named_buffers()) again->named_buffers()[item.key()].copy_(item.value());
      EXPECT_TRUE(again->forward(x).equal(net->forward(x)) || got.isnan().any().item<bool>());
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(OnnxGolden, GradientsOfARealNetAreFinite) {
  const TemporaryFolder folder;
  for (const Json& test : golden()) {
    const auto name = test.at("name").get<std::string>();
    if (!name.starts_with("A ")) continue;
    SCOPED_TRACE(name);
    OnnxModule net(folder.write("model.onnx", from_base64(test.at("model").get<std::string>())));
    net->forward(tensor_of(test.at("input"))).square().sum().backward();
    ASSERT_GE(net->parameters().size(), 6u);
    for (const auto& item : net->named_parameters()) {
      ASSERT_TRUE(item.value().grad().defined()) << item.key();
      EXPECT_TRUE(item.value().grad().isfinite().all().item<bool>()) << item.key();
      EXPECT_GT(item.value().grad().abs().max().item<double>(), 0) << item.key();
    }
  }
}

}  // namespace
}  // namespace fewlabel
