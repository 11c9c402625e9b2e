// A test program: tokenizes lines for tests/interop/tokenizers_test.py, which holds them against PyPI's `tokenizers`.
//
//   tokenize_lines encode TOKENIZER.json   stdin: a JSON text a line; stdout: {"ids", "ids_alone", "offsets", "text"} a
//   line tokenize_lines train SIZE LEAST LOWER  stdin: a JSON text a line; stdout: the tokenizer.json that was learnt
//   from them tokenize_lines time TOKENIZER.json     stdin: as above; stderr: lines a second of encode() and of ids()
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/tokenizer.h"
#include "modalities/text/tokenizer/train_bpe.h"

namespace fewlabel {
namespace {

using Json = nlohmann::json;

bool next_line(std::string& text) {
  std::string line;
  if (!std::getline(std::cin, line)) return false;
  text = Json::parse(line).get<std::string>();
  return true;
}

void encode(const Tokenizer& tokenizer) {
  for (std::string text; next_line(text);) {
    Json offsets = Json::array();
    std::vector<int32_t> ids;
    for (const Token& token : tokenizer.encode(text)) {
      ids.push_back(token.id);
      offsets.push_back({token.begin, token.end});
    }
    Json result = {{"ids", ids}, {"offsets", offsets}};
    result["ids_alone"] = tokenizer.ids(text);
    result["text"] = tokenizer.decode(ids);
    result["whole_text"] = tokenizer.decode(ids, false);
    std::cout << result.dump() << '\n';
  }
}

void measure(const Tokenizer& tokenizer) {
  std::vector<std::string> lines;
  for (std::string text; next_line(text);) lines.push_back(text);
  const auto seconds = [&](const auto& action) {
    const std::clock_t begin = std::clock();  // of this process alone, whatever else the machine does
    std::size_t tokens = 0;
    for (const std::string& line : lines) tokens += action(line);
    const double passed = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::cerr << static_cast<double>(lines.size()) / passed << " lines a second, " << tokens << " tokens\n";
  };
  for (int round = 0; round < 2; ++round) {
    seconds([&](const std::string& line) { return tokenizer.encode(line).size(); });
    seconds([&](const std::string& line) { return tokenizer.ids(line).size(); });
  }
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 2 && arguments[0] == "encode") {
    encode(Tokenizer::read(arguments[1]));
  } else if (arguments.size() == 2 && arguments[0] == "time") {
    measure(Tokenizer::read(arguments[1]));
  } else if (arguments.size() == 4 && arguments[0] == "train") {
    BpeTraining training;
    training.size = std::stoi(arguments[1]);
    training.least_count = std::stoll(arguments[2]);
    training.lower_case = arguments[3] == "1";
    std::cout << train_byte_bpe(next_line, training).json() << '\n';
  } else {
    std::cerr << "usage: tokenize_lines encode|time TOKENIZER.json, or train SIZE LEAST LOWER\n";
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace fewlabel

int main(int count, char** arguments) {
  try {
    return fewlabel::run({arguments + 1, arguments + count});
  } catch (const fewlabel::Error& error) {
    std::cerr << error.what() << '\n';
    return fewlabel::exit_code(error.kind());
  }
}
