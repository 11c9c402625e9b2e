#include "modalities/text/tokenizer/vocabulary.h"

#include <fmt/format.h>

#include "fewlabel/error.h"
#include "modalities/text/tokenizer/hash_map.h"

namespace fewlabel::tokenizing {

Vocabulary Vocabulary::read(const JsonPart& part) {
  const JsonPart all = part.at("vocab");
  if (!all.value().is_object()) all.refuse("is no object of tokens and ids");
  Vocabulary result;
  std::size_t bytes = 0;
  for (const auto& [token, id] : all.value().items()) {
    const JsonPart entry(id, all.where(), "an id of the vocabulary");
    bytes += token.size();
    if (bytes > UINT32_MAX / 2) all.refuse("is too large");
    result.add(token, static_cast<int32_t>(entry.as_number(0, kMostIds - 1)));
  }
  return result;
}

std::size_t Vocabulary::find(std::string_view token) const {
  std::size_t at = static_cast<std::size_t>(hash_of(token)) & (slots_.size() - 1);
  while (slots_[at] >= 0 && text(entries_[static_cast<std::size_t>(slots_[at])]) != token)
    at = (at + 1) & (slots_.size() - 1);
  return at;
}

void Vocabulary::add(std::string_view token, int32_t id) {
  std::size_t place = find(token);
  if (slots_[place] < 0) {
    if (2 * (entries_.size() + 1) > slots_.size()) {
      slots_.assign(slots_.size() * 2, -1);
      for (std::size_t i = 0; i < entries_.size(); ++i) slots_[find(text(entries_[i]))] = static_cast<int32_t>(i);
      place = find(token);
    }
    slots_[place] = static_cast<int32_t>(entries_.size());
    entries_.push_back({static_cast<uint32_t>(texts_.size()), static_cast<uint32_t>(token.size()), id});
    texts_ += token;
    ++count_;
  }
  entries_[static_cast<std::size_t>(slots_[place])].id = id;
  if (ids() <= id) by_id_.resize(static_cast<std::size_t>(id) + 1, -1);
  by_id_[static_cast<std::size_t>(id)] = slots_[place];
}

std::optional<int32_t> Vocabulary::id(std::string_view token) const {
  const int32_t slot = slots_[find(token)];
  if (slot < 0) return std::nullopt;
  return entries_[static_cast<std::size_t>(slot)].id;
}

bool Vocabulary::has(int32_t id) const { return id >= 0 && id < ids() && by_id_[static_cast<std::size_t>(id)] >= 0; }

std::string_view Vocabulary::token(int32_t id) const {
  return has(id) ? text(entries_[static_cast<std::size_t>(by_id_[static_cast<std::size_t>(id)])]) : std::string_view();
}

}  // namespace fewlabel::tokenizing
