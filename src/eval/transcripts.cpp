#include "eval/transcripts.h"

#include <algorithm>

#include "core/text.h"

namespace fewlabel {
namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  bool open = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space && !open) result.emplace_back();
    if (!space) result.back() += c;
    open = !space;
  }
  return result;
}

/// Levenshtein's distance, by kind of mistake.
Mistakes compare(const std::vector<std::string>& truth, const std::vector<std::string>& said) {
  std::vector<Mistakes> row(said.size() + 1);
  for (std::size_t j = 1; j <= said.size(); ++j) row[j].inserted = static_cast<int64_t>(j);
  for (std::size_t i = 1; i <= truth.size(); ++i) {
    Mistakes diagonal = row[0];
    row[0].deleted = static_cast<int64_t>(i);
    for (std::size_t j = 1; j <= said.size(); ++j) {
      Mistakes best = diagonal;
      if (truth[i - 1] != said[j - 1]) ++best.substituted;
      Mistakes gone = row[j], extra = row[j - 1];
      ++gone.deleted;
      ++extra.inserted;
      if (gone.count() < best.count()) best = gone;
      if (extra.count() < best.count()) best = extra;
      diagonal = row[j];
      row[j] = best;
    }
  }
  row.back().length = static_cast<int64_t>(truth.size());
  return row.back();
}

}  // namespace

Mistakes& Mistakes::operator+=(const Mistakes& other) {
  substituted += other.substituted;
  deleted += other.deleted;
  inserted += other.inserted;
  length += other.length;
  return *this;
}

double Mistakes::rate() const {
  if (count() == 0) return 0;
  return static_cast<double>(count()) / static_cast<double>(std::max<int64_t>(length, 1));
}

Mistakes word_mistakes(std::string_view truth, std::string_view said) { return compare(words(truth), words(said)); }

Mistakes character_mistakes(std::string_view truth, std::string_view said) {
  return compare(characters(join(words(truth), " ")), characters(join(words(said), " ")));
}

std::vector<std::string> characters(std::string_view text) {
  std::vector<std::string> result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text.substr(at)), 1);
    result.emplace_back(text.substr(at, length));
    at += length;
  }
  return result;
}

}  // namespace fewlabel
