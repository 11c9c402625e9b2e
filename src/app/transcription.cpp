#include "app/transcription.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/csv.h"
#include "eval/transcripts.h"

namespace fewlabel {
std::vector<std::string> alphabet_of(const Source& source, const std::vector<int64_t>& indices) {
  std::set<std::string> found;
  for (const int64_t index : indices)
    for (std::string& character : characters(source.transcript(index))) found.insert(std::move(character));
  std::vector<std::string> alphabet = {""};
  alphabet.insert(alphabet.end(), found.begin(), found.end());
  return alphabet;
}

std::vector<std::vector<int32_t>> spelled(const Source& source, const std::vector<int64_t>& indices,
                                          const std::vector<std::string>& alphabet) {
  std::map<std::string, int32_t> place;
  for (std::size_t i = 1; i < alphabet.size(); ++i) place[alphabet[i]] = static_cast<int32_t>(i);
  std::vector<std::vector<int32_t>> all;
  for (const int64_t index : indices) {
    all.emplace_back();
    for (const std::string& character : characters(source.transcript(index)))
      if (const auto at = place.find(character); at != place.end()) all.back().push_back(at->second);
  }
  return all;
}

Evaluation evaluate_transcripts(const std::vector<Transcript>& heard, const Pool& pool, const Judged& judged) {
  Mistakes words, letters;
  std::vector<Mistakes> each;
  int64_t whole = 0;
  Evaluation result;
  result.predictions = "path,transcript,heard,probability\n";
  for (std::size_t i = 0; i < heard.size(); ++i) {
    const std::string said = judged.source.transcript(pool.index[i]);
    each.push_back(word_mistakes(said, heard[i].text));
    words += each.back();
    letters += character_mistakes(said, heard[i].text);
    whole += each.back().count() == 0 ? 1 : 0;
    result.predictions += fmt::format("{},{},{},{:.6f}\n", csv_field(judged.source.name(pool.index[i])),
                                      csv_field(said), csv_field(heard[i].text), heard[i].probability);
  }
  result.summary = {
      {"word_error_rate", words.rate()},
      {"character_error_rate", letters.rate()},
      {"whole_transcripts", static_cast<double>(whole) / static_cast<double>(std::max<std::size_t>(1, heard.size()))},
      {"test_examples", heard.size()}};
  result.detail["words"] = {{"said", words.length},
                            {"substituted", words.substituted},
                            {"deleted", words.deleted},
                            {"inserted", words.inserted}};

  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < each.size(); ++i)
    if (each[i].count() > 0) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(),
                   [&](std::size_t a, std::size_t b) { return each[a].count() > each[b].count(); });
  wrong.resize(std::min(wrong.size(), kMistakes));
  result.detail["mistakes"] = Json::array();
  for (const std::size_t i : wrong) {
    Json mistake = {{"name", judged.source.name(pool.index[i])},
                    {"true", judged.source.transcript(pool.index[i])},
                    {"predicted", heard[i].text},
                    {"probability", heard[i].probability}};
    attach(mistake, judged.modality.show({judged.source, judged.store, pool.index[i]}));
    result.detail["mistakes"].push_back(std::move(mistake));
  }
  return result;
}

}  // namespace fewlabel
