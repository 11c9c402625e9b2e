// A tokenizer.json is a file from anywhere: whatever is in it, one Error says what is wrong, or it works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base64.h"
#include "helpers.h"
#include "modalities/text/tokenizer/tokenizer.h"
#include "modalities/text/tokenizer/train_bpe.h"

namespace fewlabel {
namespace {

using Json = nlohmann::json;
using ::fewlabel::testing::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

Json sound() { return {{"model", {{"type", "WordLevel"}, {"unk_token", "?"}, {"vocab", {{"?", 0}, {"a", 1}}}}}}; }

Error refusal(const Json& file) {
  return error_of([&] { Tokenizer::parse(file.dump(), "some/tokenizer.json"); });
}

void expect_refused(const char* key, const Json& value, const std::string& why) {
  Json file = sound();
  file[key] = value;
  const Error error = refusal(file);
  EXPECT_EQ(error.kind(), ErrorKind::storage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("some/tokenizer.json"), HasSubstr(why))) << value.dump().substr(0, 200);
  EXPECT_FALSE(error.hint().empty());
}

TEST(HostileTokenizer, WhatIsNoObjectIsRefused) {
  for (const std::string text : {"", "[]", "7", "{", "\"x\"", "{\"model\": \"\xff\"}", "nul"})
    EXPECT_THAT(error_of([&] { Tokenizer::parse(text, "f.json"); }).what(), HasSubstr("no JSON object")) << text;
  EXPECT_THAT(error_of([] { Tokenizer::parse("{}", "f.json"); }).what(), HasSubstr("lacks 'model'"));
  const std::string deep(200000, '[');
  EXPECT_THAT(error_of([&] { Tokenizer::parse(deep, "f.json"); }).what(), HasSubstr("no JSON object"));
}

TEST(HostileTokenizer, UnknownPartsAreNamed) {
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    expect_refused(key, {{"type", "Teleport"}}, std::string(key) + " is of the type 'Teleport'");
    expect_refused(key, "Teleport", "is no object");
    expect_refused(key, {{"type", 3}}, "is no text");
    expect_refused(key, {{"type", "Sequence"}}, "lacks");
  }
  expect_refused("model", {{"type", "Oracle"}}, "model is of the type 'Oracle'");
  expect_refused("pre_tokenizer", {{"type", "UnicodeScripts"}}, "UnicodeScripts");
  expect_refused("version", "2.0", "version");
}

TEST(HostileTokenizer, SequencesEnd) {
  Json deep = {{"type", "NFC"}};
  for (int i = 0; i < 1000; ++i) deep = {{"type", "Sequence"}, {"normalizers", Json::array({deep})}};
  expect_refused("normalizer", deep, "deep");
  const Json many(1000, Json{{"type", "NFC"}});
  expect_refused("normalizer", {{"type", "Sequence"}, {"normalizers", many}}, "at most 64");
}

TEST(HostileTokenizer, IdsAreBounded) {
  for (const Json& id : std::vector<Json>{Json(-1), Json(1ull << 40), Json(UINT64_MAX), Json(1.5), Json("1"), Json()})
    expect_refused("model", {{"type", "WordLevel"}, {"vocab", {{"a", id}}}}, "is no whole number");
  expect_refused("model", {{"type", "WordLevel"}, {"vocab", 3}}, "is no object");
  expect_refused("model", {{"type", "Unigram"}, {"vocab", {{"b", 1}}}}, "no list");
  expect_refused("model", {{"type", "Unigram"}, {"unk_id", 5}, {"vocab", Json::array({Json::array({"a", 1.0})})}},
                 "unk_id");
  expect_refused("model", {{"type", "Unigram"}, {"vocab", Json::array({Json::array({"a", "b"})})}}, "no pair");
  expect_refused("post_processor", {{"type", "BertProcessing"}, {"sep", {"x", -4}}, {"cls", {"y", 2}}}, "whole number");
}

TEST(HostileTokenizer, MergesNeedTheirTokens) {
  const auto bpe = [](const Json& merges) {
    return Json{{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}}}, {"merges", merges}};
  };
  expect_refused("model", bpe({"a b"}), "lacks");
  expect_refused("model", bpe({"a c"}), "lacks");
  expect_refused("model", bpe({"ab"}), "two tokens");
  expect_refused("model", bpe({"a b c"}), "two tokens");
  expect_refused("model", bpe({7}), "no pair");
  expect_refused("model", bpe("a b"), "no list");
  Json prefixed = bpe({"a b"});
  prefixed["continuing_subword_prefix"] = "####";
  expect_refused("model", prefixed, "prefix");
}

TEST(HostileTokenizer, PatternsAreChecked) {
  const auto split = [](const Json& pattern) {
    return Json{{"type", "Split"}, {"pattern", pattern}, {"behavior", "Isolated"}, {"invert", false}};
  };
  expect_refused("pre_tokenizer", split({{"Regex", "(a"}}), "cannot be read");
  expect_refused("pre_tokenizer", split({{"Regex", std::string(5000, 'a')}}), "longer than");
  expect_refused("pre_tokenizer", split({{"String", ""}}), "is empty");
  expect_refused("pre_tokenizer", split({{"Glob", "*"}}), "lacks 'String'");
  Json odd = split({{"String", "a"}});
  odd["behavior"] = "Eaten";
  expect_refused("pre_tokenizer", odd, "none of");
  expect_refused("pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "ab"}}, "exactly one character");
}

TEST(HostileTokenizer, EndlessTryingEnds) {
  Json file = sound();
  file["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"Regex", "(a|aa)+!"}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "f.json");
  const Error error = error_of([&] { tokenizer.ids(std::string(5000, 'a') + "?!"); });
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_THAT(error.what(), HasSubstr("gives up"));
}

TEST(HostileTokenizer, TextsThatGrowWithoutEndAreRefused) {
  Json file = sound();
  const Json doubling = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(20000, 'a')}};
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json(5, doubling)}};
  const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "f.json");
  EXPECT_THAT(error_of([&] { tokenizer.ids("aaa"); }).what(), HasSubstr("larger than 32 MB"));
  // Each turns what the one before made of a byte into two.
  file["normalizer"] = {{"type", "Sequence"}, {"normalizers", Json(60, Json{{"type", "ByteLevel"}})}};
  const Tokenizer showing = Tokenizer::parse(file.dump(), "f.json");
  EXPECT_THAT(error_of([&] { showing.ids(std::string(100000, ' ')); }).what(), HasSubstr("larger than 32 MB"));
}

TEST(HostileTokenizer, CharsmapsAreChecked) {
  const auto precompiled = [](const std::string& bytes) {
    return Json{{"type", "Precompiled"}, {"precompiled_charsmap", bytes}};
  };
  expect_refused("normalizer", precompiled("*"), "no base64");
  expect_refused("normalizer", precompiled(""), "cut off");
  expect_refused("normalizer", precompiled(base64("\xff\xff\xff\x7f")), "cut off");
  expect_refused("normalizer", precompiled(base64(std::string("\4\0\0\0\0\0\0\0\xff\xfe", 10))), "not UTF-8");
  // Units that lead anywhere: no reading outside, for whatever text.
  uint32_t state = 1;
  for (int round = 0; round < 200; ++round) {
    std::string bytes("\0\1\0\0", 4);
    for (int i = 0; i < 300; ++i) {
      state = state * 1664525 + 1013904223;
      bytes += i < 256 ? static_cast<char>(state >> 24) : static_cast<char>('a' + i % 7);
    }
    Json file = sound();
    file["normalizer"] = precompiled(base64(bytes));
    const Tokenizer tokenizer = Tokenizer::parse(file.dump(), "f.json");
    for (const char* text : {"abc", "é\u0301x\r\n", "\x01\x7f~ 東京"}) EXPECT_LE(tokenizer.encode(text).size(), 1u);
  }
}

TEST(HostileTokenizer, TemplatesNeedTheirParts) {
  const auto frame = [](const Json& single, const Json& specials) {
    return Json{
        {"type", "TemplateProcessing"}, {"single", single}, {"pair", Json::array()}, {"special_tokens", specials}};
  };
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
             mark = {{"SpecialToken", {{"id", "[X]"}, {"type_id", 0}}}};
  expect_refused("post_processor", frame({text, mark}, Json::object()), "lacks");
  expect_refused("post_processor", frame(Json::array(), Json::object()), "without the text");
  expect_refused("post_processor", frame({text, text}, Json::object()), "second time");
  expect_refused("post_processor", frame({text, mark}, {{"[X]", {{"id", "[X]"}, {"ids", {1ull << 50}}}}}),
                 "whole number");
}

// Every member of a real file taken away, and every value made another: an Error of ours or a tokenizer, never else.
TEST(HostileTokenizer, AnyDamageIsSurvived) {
  Json file = Json::parse(train_byte_bpe(std::vector<std::string>{"some text, some more text"}, {.size = 264}).json());
  file["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers", {{{"type", "BertNormalizer"}, {"lowercase", true}}, {{"type", "Prepend"}, {"prepend", "x"}}}}};
  const auto flat = file.flatten();
  int refused = 0, accepted = 0;
  const auto attempt = [&](const Json& damaged) {
    try {
      const Tokenizer tokenizer = Tokenizer::parse(damaged.dump(), "f.json");
      const auto ids = tokenizer.ids("some text \xff é");
      tokenizer.decode(ids);
      ++accepted;
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty()) << error.what();
      ++refused;
    }
  };
  int count = 0;
  for (const auto& [path, value] : flat.items()) {
    if (path.find("/vocab/") != std::string::npos && ++count % 16 != 0) continue;
    for (const Json& other : std::vector<Json>{Json(), Json(-1), Json(1e300), Json(""), Json("\u0120x"), Json::array(),
                                               Json::object(), Json(true)}) {
      Json damaged = file;
      damaged[Json::json_pointer(path)] = other;
      attempt(damaged);
    }
    Json damaged = file;
    Json& parent = damaged[Json::json_pointer(path).parent_pointer()];
    if (parent.is_object()) {
      parent.erase(Json::json_pointer(path).back());
      attempt(damaged);
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(accepted, 10);
}

}  // namespace
}  // namespace fewlabel
