// What cannot be read says so, in a sentence that names the file and the part.
#include <gmock/gmock.h>
#include <torch/torch.h>

#include "helpers.h"
#include "model_bytes.h"
#include "onnx/module.h"

namespace fewlabel {
namespace {

using namespace fewlabel::testing;
using onnx::Weights;
using onnx::WireReader;
using ::testing::HasSubstr;

class OnnxGraphTest : public ::testing::Test {
 protected:
  std::string put(const std::string& bytes) const { return folder_.write("net.onnx", bytes); }
  std::string put(const ModelParts& parts) const { return put(model_bytes(parts)); }
  /// The one sentence of the Error.
  std::string refusal(const std::string& bytes, ErrorKind kind, Weights weights = Weights::in_file) const {
    const std::string path = put(bytes);
    const Error error = error_of([&] { OnnxModule net(path, weights); });
    EXPECT_EQ(error.where(), path);
    EXPECT_EQ(error.kind(), kind) << error.message();
    EXPECT_EQ(error.message().find('\n'), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
    return error.message();
  }
  std::string refusal(const ModelParts& parts, ErrorKind kind) const { return refusal(model_bytes(parts), kind); }

  TemporaryFolder folder_;
};

ModelParts relu() {
  ModelParts parts;
  parts.nodes = {node("Relu", {"x"}, {"y"})};
  return parts;
}
/// y = x + c, where c is this tensor.
ModelParts adding(const WireWriter& tensor) {
  ModelParts parts;
  parts.nodes = {node("Add", {"x", "c"}, {"y"})};
  parts.initializers = {tensor};
  return parts;
}

TEST_F(OnnxGraphTest, SaysWhatIsInTheFile) {
  const onnx::OnnxGraph graph = onnx::read_graph(put(small_net()));
  EXPECT_EQ(graph.opset, 17);
  ASSERT_EQ(graph.nodes.size(), 6u);
  EXPECT_EQ(graph.nodes[0].op, "Conv");
  EXPECT_EQ(graph.inputs[0].name, "x");
  EXPECT_EQ(graph.initializers.at("conv.weight").sizes(), (std::vector<int64_t>{3, 1, 3, 3}));
  EXPECT_FLOAT_EQ(graph.initializers.at("fc.bias")[1].item<float>(), 7.0F / 8 - 0.6F);
}

TEST_F(OnnxGraphTest, OpsetsOutsideTheRangeAreRefused) {
  ModelParts parts = relu();
  for (const int64_t opset : {10, 21}) {
    parts.opset = opset;
    EXPECT_EQ(refusal(parts, ErrorKind::data), "uses opset " + std::to_string(opset) + ", and 11 to 20 can be read");
  }
  for (const int64_t opset : {11, 20}) {
    parts.opset = opset;
    OnnxModule net(put(parts));
  }
}

TEST_F(OnnxGraphTest, ForeignOperatorsAreRefused) {
  ModelParts parts = relu();
  parts.nodes[0].text(7, "com.microsoft");
  EXPECT_EQ(refusal(parts, ErrorKind::data),
            "node 'the_Relu' (Relu) is of 'com.microsoft', not of ONNX's own operators");
  parts.nodes[0] = node("Trilu", {"x"}, {"y"});
  EXPECT_EQ(refusal(parts, ErrorKind::data), "node 'the_Trilu' (Trilu) is an operator that is not known");
  for (const char* op : {"If", "Loop", "Scan"}) {
    parts.nodes[0] = node(op, {"x"}, {"y"});
    EXPECT_THAT(refusal(parts, ErrorKind::data), HasSubstr("is control flow, which cannot be run"));
  }
  WireWriter body;
  body.text(1, "body");
  body.message(6, WireWriter());
  body.integer(20, 5);
  parts.nodes[0] = node("Relu", {"x"}, {"y"}, {body});
  EXPECT_THAT(refusal(parts, ErrorKind::data), HasSubstr("has an attribute 'body' of type 5"));
}

TEST_F(OnnxGraphTest, AnUnknownOperatorThatNobodyNeedsIsNoHarm) {
  ModelParts parts = relu();
  parts.nodes.push_back(node("Trilu", {"y"}, {"z"}));
  OnnxModule net(put(parts));
  EXPECT_EQ(net->forward(torch::full({1}, -1.0)).item<float>(), 0);
}

TEST_F(OnnxGraphTest, QuantisedNetsAreRefused) {
  ModelParts parts = relu();
  for (const char* op : {"QLinearConv", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"}) {
    parts.nodes[0] = node(op, {"x"}, {"y"});
    EXPECT_THAT(refusal(parts, ErrorKind::data), HasSubstr("is quantised (node"));
  }
  WireWriter tensor;
  tensor.integer(2, 21);
  tensor.text(8, "c");
  EXPECT_EQ(refusal(adding(tensor), ErrorKind::data), "has values of the type uint4 ('c'), which cannot be trained");
}

TEST_F(OnnxGraphTest, OneInputIsWanted) {
  ModelParts parts = relu();
  parts.inputs = {"x", "mask", "types"};
  EXPECT_EQ(refusal(parts, ErrorKind::data), "has 3 inputs (x, mask, types), and one is wanted");
  parts.inputs = {};
  EXPECT_EQ(refusal(parts, ErrorKind::data), "has no input");
  // Older files list initializers as inputs.
  parts = adding(initializer("c", {2}, {1, 2}));
  parts.inputs = {"x", "c"};
  EXPECT_EQ(OnnxModule(put(parts))->forward(torch::zeros({2}))[1].item<float>(), 2);
}

TEST_F(OnnxGraphTest, NamesMustLeadSomewhere) {
  ModelParts parts = relu();
  parts.nodes = {node("Add", {"x", "z"}, {"y"})};
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("node 'the_Add' (Add) needs 'z', which nothing produces"));
  parts.nodes = {node("Add", {"x", "b"}, {"a"}), node("Relu", {"a"}, {"b"}), node("Relu", {"b"}, {"y"})};
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("waits for itself"));
  parts.nodes = {node("Relu", {"x"}, {"y"}), node("Relu", {"x"}, {"y"})};
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("the value 'y' is there twice"));
  parts = adding(initializer("c", {1}, {1}));
  parts.initializers.push_back(parts.initializers[0]);
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("the value 'c' is there twice"));
  parts = relu();
  parts.outputs = {"elsewhere"};
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("its output needs 'elsewhere'"));
  parts.outputs = {};
  EXPECT_THAT(refusal(parts, ErrorKind::storage), HasSubstr("it has no output"));
}

TEST_F(OnnxGraphTest, NodesMayComeInAnyOrder) {
  ModelParts parts;
  parts.nodes = {node("Neg", {"a"}, {"y"}), node("Exp", {"x"}, {"a"})};
  EXPECT_FLOAT_EQ(OnnxModule(put(parts))->forward(torch::zeros({1})).item<float>(), -1);
}

TEST_F(OnnxGraphTest, SizesAreCheckedBeforeMemoryIsTaken) {
  const int64_t many = int64_t{1} << 40;
  EXPECT_THAT(refusal(adding(initializer("c", {many}, {1})), ErrorKind::storage), HasSubstr("the size of 'c' is not"));
  for (const auto& sizes : {std::vector<int64_t>{many, many}, {-1}, {0, many, many}})
    EXPECT_THAT(refusal(adding(initializer("c", sizes, {1})), ErrorKind::storage),
                HasSubstr("the shape of 'c' is imp"));
  EXPECT_THAT(refusal(adding(initializer("c", std::vector<int64_t>(17, 1), {1})), ErrorKind::storage),
              HasSubstr("too many dimensions"));
  WireWriter typed = initializer("c", {many}, {});
  typed.real(4, 1);
  EXPECT_THAT(refusal(adding(typed), ErrorKind::storage), HasSubstr("'c' has not as many values as its shape says"));
  const std::string left_out = model_bytes(adding(initializer("c", {many}, {})));
  EXPECT_EQ(refusal(left_out, ErrorKind::storage), "has no data for 'c'");
  EXPECT_THAT(refusal(left_out, ErrorKind::storage, Weights::elsewhere), HasSubstr("impossibly large"));
}

TEST_F(OnnxGraphTest, MadeTensorsAreBoundedAsWell) {
  ModelParts parts;
  WireWriter shape;
  shape.integer(1, 2);
  shape.integer(2, testing::kLong);
  shape.integer(7, int64_t{1} << 20);
  shape.integer(7, int64_t{1} << 20);
  shape.text(8, "s");
  parts.nodes = {node("ConstantOfShape", {"s"}, {"c"}), node("Add", {"x", "c"}, {"y"})};
  parts.initializers = {shape};
  const std::string path = put(parts);
  OnnxModule net(path);
  const Error error = error_of([&] { net->forward(torch::zeros({1})); });
  EXPECT_EQ(error.where(), path);
  EXPECT_EQ(error.message(), "node 'the_ConstantOfShape' (ConstantOfShape) would make more than 268435456 values");
}

TEST_F(OnnxGraphTest, WhatIsNoFileOfOursIsRefused) {
  EXPECT_THAT(refusal("", ErrorKind::storage), HasSubstr("it is empty"));
  EXPECT_THAT(refusal("\x08\x08", ErrorKind::storage), HasSubstr("it has no graph"));
  EXPECT_THAT(refusal("PK\x03\x04", ErrorKind::storage), HasSubstr("is not a sound ONNX file"));
  EXPECT_EQ(error_of([&] { OnnxModule net(folder_.path() / "none.onnx"); }).message(),
            "cannot read: No such file or directory");
  EXPECT_EQ(error_of([&] { OnnxModule net(folder_.path()); }).message(), "cannot read: Is a directory");
  EXPECT_EQ(error_of([&] { OnnxModule net("/dev/zero"); }).kind(), ErrorKind::storage);
}

/// c = external data.
WireWriter outside(const std::vector<std::pair<std::string, std::string>>& entries, int64_t size = 2) {
  WireWriter tensor = initializer("c", {size}, {});
  for (const auto& [key, value] : entries) {
    WireWriter entry;
    entry.text(1, key);
    entry.text(2, value);
    tensor.message(13, entry);
  }
  tensor.integer(14, 1);
  return tensor;
}

TEST_F(OnnxGraphTest, ExternalDataAreReadBesideTheFile) {
  const float values[] = {5, 6, 7};
  testing::put(folder_.path() / "data" / "w.bin", {reinterpret_cast<const char*>(values), sizeof values});
  for (const auto& entries :
       {std::vector<std::pair<std::string, std::string>>{{"location", "data/w.bin"}, {"offset", "4"}},
        {{"location", "data/w.bin"}, {"offset", "4"}, {"length", "8"}, {"checksum", "any"}}}) {
    const torch::Tensor y = OnnxModule(put(adding(outside(entries))))->forward(torch::zeros({2}));
    EXPECT_EQ(y[0].item<float>(), 6);
    EXPECT_EQ(y[1].item<float>(), 7);
  }
  const auto why = [&](const std::vector<std::pair<std::string, std::string>>& entries, int64_t size = 2) {
    return refusal(adding(outside(entries, size)), ErrorKind::storage);
  };
  EXPECT_THAT(why({{"location", "data/w.bin"}, {"offset", "8"}}), HasSubstr("lie outside their file"));
  EXPECT_THAT(why({{"location", "data/w.bin"}, {"offset", "9223372036854775807"}}), HasSubstr("lie outside"));
  EXPECT_THAT(why({{"location", "data/w.bin"}, {"offset", "-4"}}), HasSubstr("the offset of 'c' is no number"));
  EXPECT_THAT(why({{"location", "data/w.bin"}, {"length", "4"}}), HasSubstr("the size of 'c' is not that"));
  EXPECT_THAT(why({{"location", "data/w.bin"}}, int64_t{1} << 50), HasSubstr("lie outside their file"));
  EXPECT_THAT(why({{"location", "gone.bin"}}), HasSubstr("keeps its weights in 'gone.bin', which is not beside it"));
  EXPECT_THAT(error_of([&] {
                OnnxModule net(put(adding(outside({{"location", "data"}}))));
              }).message(),
              HasSubstr("Is a directory"));
  EXPECT_THAT(why({{"offset", "0"}}), HasSubstr("'c' does not say where its data are"));
}

TEST_F(OnnxGraphTest, ExternalDataElsewhereAreRefused) {
  const TemporaryFolder other;
  const std::string secret = other.write("secret.bin", "12345678");
  std::filesystem::create_symlink(secret, folder_.path() / "link.bin");
  std::filesystem::create_directory_symlink(other.path(), folder_.path() / "inside");
  const std::string up = "../" + other.path().filename().string() + "/secret.bin";
  for (const std::string& location : {secret, up, std::string("link.bin"), std::string("inside/secret.bin"),
                                      std::string("a/../") + up, std::string(), std::string("/dev/zero")})
    EXPECT_THAT(refusal(adding(outside({{"location", location}})), ErrorKind::storage),
                HasSubstr("which is outside its own folder"))
        << location;
}

TEST_F(OnnxGraphTest, NamesCannotWriteOnTheTerminal) {
  ModelParts parts = relu();
  parts.nodes = {node("Add", {"x", "\x1b[31m" + std::string(500, 'z')}, {"y"})};
  const std::string message = refusal(parts, ErrorKind::storage);
  EXPECT_EQ(message.find('\x1b'), std::string::npos);
  EXPECT_LT(message.size(), 300u);
}

TEST(OnnxWire, WrongTypesAndDepthsAreRefused) {
  const std::string where = "file";
  WireWriter writer;
  writer.integer(1, -1);
  writer.real(2, 0.5F);
  writer.text(3, "abc");
  WireReader reader(writer.bytes(), where);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.integer(), -1);
  EXPECT_EQ(error_of([&] { (void)reader.text(); }).kind(), ErrorKind::storage);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.real(), 0.5F);
  EXPECT_THAT(error_of([&] { (void)reader.integer(); }).message(),
              HasSubstr("field 2 has the wire type 5 instead of 0"));
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(reader.text(), "abc");
  EXPECT_EQ(reader.field(), 3u);
  std::vector<float> values;
  EXPECT_THAT(error_of([&] { reader.add_to(values); }).message(), HasSubstr("ends within a number"));
  EXPECT_FALSE(reader.next());

  WireWriter nested;
  for (int i = 0; i < 40; ++i) {
    WireWriter outer;
    outer.message(1, nested);
    nested = outer;
  }
  const Error error = error_of([&] {
    WireReader level(nested.bytes(), where);
    while (level.next()) level = level.message();
  });
  EXPECT_THAT(error.message(), HasSubstr("nested too deep"));
  for (const std::string& bytes : {std::string("\x08"), std::string(11, '\x80'), std::string("\x0a\x05zz"),
                                   std::string("\x0b"), std::string("\x00\x01", 2), std::string("\x0d\x01\x02"),
                                   std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")})
    EXPECT_EQ(error_of([&] {
                WireReader broken(bytes, where);
                while (broken.next()) {
                }
              }).kind(),
              ErrorKind::storage);
}

}  // namespace
}  // namespace fewlabel
