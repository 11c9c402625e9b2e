#include "train/safetensors.h"

#include <gmock/gmock.h>
#include <torch/torch.h>

#include "core/files.h"
#include "fewlabel/error.h"
#include "helpers.h"
#include "train/safetensors_header.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(Safetensors, RoundTripKeepsEveryTypeAndLayout) {
  const TemporaryFolder folder;
  TensorMap tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar,
                          at::kByte, at::kBool})
    tensors[c10::toString(type)] = torch::randn({3, 5}).mul(9).to(type);
  tensors["channels last"] = torch::randn({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  tensors["empty"] = torch::empty({0, 4});
  tensors["scalar"] = torch::scalar_tensor(2.5);
  tensors["name with \" and é"] = torch::ones({1});
  const FileRecord written = write_safetensors(folder / "a.safetensors", tensors, {{"format", "pt"}});
  FileRecord record;
  const TensorMap back = read_safetensors(folder / "a.safetensors", &record);
  EXPECT_EQ(record, written);
  EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(folder / "a.safetensors")), written.size);
  ASSERT_EQ(back.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(back.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(back.at(name), tensor)) << name;
  }
}

TEST(Safetensors, RefusesATypeThatHasNoName) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_safetensors(folder / "a", {{"c", torch::zeros({2}, at::kComplexFloat)}}), Error);
}

struct Hostile {
  const char* name;
  const char* header;
  uint64_t data;
  const char* reason;
};

constexpr Hostile kHostile[] = {
    {"empty", "", 0, "does not start"},
    {"leading space", " {}", 0, "does not start"},
    {"array", "[]", 0, "does not start"},
    {"truncated", "{\"a\":", 0, "valid JSON"},
    {"trailing text", "{} x", 0, "valid JSON"},
    {"invalid UTF-8", "{\"\xff\":{}}", 0, "valid JSON"},
    {"lacks fields", "{\"a\":{}}", 0, "lacks"},
    {"unknown field", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1, "unknown field"},
    {"unknown type", R"({"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,1]}})", 1, "unknown type"},
    {"name twice", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
                       "a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
     2, "twice"},
    {"field twice", R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, "twice"},
    {"metadata number", R"({"__metadata__":{"a":1}})", 0, "number"},
    {"metadata nested", R"({"__metadata__":{"a":{}}})", 0, "object"},
    {"metadata twice", R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
    {"metadata text", R"({"__metadata__":"a"})", 0, "text"},
    {"negative side", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1, "negative"},
    {"fraction", R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1, "not whole"},
    {"nested list", R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1, "list"},
    {"null", R"({"a":{"dtype":null,"shape":[1],"data_offsets":[0,1]}})", 1, "null"},
    {"truth value", R"({"a":{"dtype":"U8","shape":[true],"data_offsets":[0,1]}})", 1, "truth"},
    {"one offset", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "two data_offsets"},
    {"reversed", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 1, "outside"},
    {"beyond the file", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 1, "outside"},
    {"wrong size", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "size"},
    {"overflow", R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0, "size"},
    {"overflow behind a zero", R"({"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}})", 0,
     "size"},
    {"side over 63 bits", R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1, "large"},
    {"hole", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2, "hole"},
    {"overlap", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},
                    "b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
     3, "overlap"},
    {"uncovered end", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 2, "cover"},
};

TEST(Safetensors, RefusesEveryUnsoundHeader) {
  for (const Hostile& hostile : kHostile) {
    SCOPED_TRACE(hostile.name);
    const Error error = error_of([&] { parse_tensor_header(hostile.header, hostile.data, "x.safetensors"); });
    EXPECT_EQ(error.kind(), ErrorKind::storage);
    EXPECT_EQ(error.where(), "x.safetensors");
    EXPECT_THAT(error.message(), HasSubstr(hostile.reason));
  }
}

TEST(Safetensors, RefusesAMillionBracketsWithoutRecursion) {
  const std::string deep = "{\"a\":" + std::string(1'000'000, '[');
  EXPECT_THROW(parse_tensor_header(deep, 0, "x"), Error);
}

TEST(Safetensors, RefusesLyingLengths) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  for (const std::string& bytes :
       {std::string(), std::string("\x01\x00", 2), std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10),
        std::string("\x00\xe1\xf5\x06\x00\x00\x00\x00{}", 10), std::string("\x10\0\0\0\0\0\0\0{}", 10)}) {
    write_file(path, bytes, Durability::atomic);
    const Error error = error_of([&] { read_safetensors(path); });
    EXPECT_EQ(error.kind(), ErrorKind::storage);
    EXPECT_EQ(error.where(), path);
  }
}

TEST(Safetensors, RefusesATruthValueOfTwo) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  write_safetensors(path, {{"b", torch::ones({3}, at::kBool)}});
  std::string bytes = read_file(path);
  bytes.back() = 2;
  write_file(path, bytes, Durability::atomic);
  EXPECT_THAT(error_of([&] { read_safetensors(path); }).message(), HasSubstr("truth"));
}

TEST(Safetensors, RefusesEveryTruncation) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  write_safetensors(path, {{"a", torch::ones({3})}, {"b", torch::ones({2}, at::kLong)}});
  const std::string whole = read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_file(path, whole.substr(0, size), Durability::atomic);
    EXPECT_THROW(read_safetensors(path), Error) << size;
  }
}

}  // namespace
}  // namespace fewlabel
