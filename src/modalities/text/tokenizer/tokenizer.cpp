#include "modalities/text/tokenizer/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/files.h"
#include "core/text.h"
#include "fewlabel/error.h"
#include "modalities/text/tokenizer/added_tokens.h"
#include "modalities/text/tokenizer/decoder.h"
#include "modalities/text/tokenizer/document.h"
#include "modalities/text/tokenizer/model.h"
#include "modalities/text/tokenizer/normalizers.h"
#include "modalities/text/tokenizer/post_processor.h"
#include "modalities/text/tokenizer/pre_tokenizers.h"
#include "modalities/text/tokenizer/unicode.h"
#include "modalities/text/tokenizer/word_cache.h"

namespace fewlabel {

using namespace tokenizing;

namespace {

constexpr uintmax_t kLargestFile = uintmax_t{256} << 20;
constexpr std::size_t kLongestText = std::size_t{1} << 24;

std::atomic<uint64_t> models_made{0};

// Bytes that are no UTF-8 become U+FFFD, each for itself.
Text valid_text(std::string_view text, Track track) {
  if (text.size() > kLongestText)
    throw Error(ErrorKind::data, "tokenizer", "a text is larger than 16 MB", "cut it into parts");
  if (valid_until(text) == text.size()) return Text(text, 0, track);
  std::string repaired;
  std::vector<Span> spans;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    const Span span{static_cast<uint32_t>(at), static_cast<uint32_t>(at + std::max<std::size_t>(length, 1))};
    const std::string_view character = length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    repaired += character;
    if (track == Track::spans) spans.insert(spans.end(), character.size(), span);
    at = span.end;
  }
  Text result({}, 0, track);
  result.assign(std::move(repaired), std::move(spans));
  return result;
}

}  // namespace

struct Tokenizer::Parts {
  Parts(const nlohmann::json& json, const std::string& where);
  void run(std::string_view text, bool special, Track track, std::vector<Draft>& drafts) const;
  /// What run() gives, in this thread's own memory: until the next call.
  const std::vector<Draft>& drafts_of(std::string_view text, bool special, Track track) const {
    thread_local std::vector<Draft> drafts;
    drafts.clear();
    run(text, special, track, drafts);
    return drafts;
  }
  void find_roles(const JsonPart& file);
  std::optional<int32_t> id(std::string_view token) const {
    const auto own = added.id(token);
    return own ? own : model->vocabulary().id(token);
  }

  std::string json;
  std::vector<Normalizer> normalizers;
  PreTokenizers pre;
  bool shows_bytes = false;    // as the last step: the model cannot read them
  bool needs_origins = false;  // a step asks where in the text a piece began
  std::unique_ptr<const Model> model;
  uint64_t model_number = ++models_made;
  AddedTokens added;
  PostProcessor post;
  std::vector<Decoder> decoders;
  bool decodes = false;
  struct Spaces {
    uint32_t leading = 0, trailing = 0;
  };
  std::vector<Spaces> spaces;  // of each token, where offsets are trimmed
  std::optional<int32_t> padding, mask, cls, sep;
};

Tokenizer::Parts::Parts(const nlohmann::json& content, const std::string& where) {
  const JsonPart file(content, where, "the file");
  if (file.text("version", "1.0") != "1.0") file.refuse("is of another version than 1.0");
  const auto part = [&](const char* key) { return file.find(key); };
  if (part("normalizer")) read_normalizer(JsonPart(content["normalizer"], where, "normalizer"), normalizers);
  if (part("pre_tokenizer")) pre = read_pre_tokenizers(JsonPart(content["pre_tokenizer"], where, "pre_tokenizer"));
  file.at("model");
  model = read_model(JsonPart(content["model"], where, "model"), pre.shows_bytes);
  shows_bytes = pre.shows_bytes && !model->reads_bytes();
  needs_origins = pre.needs_origins;
  added = AddedTokens(file, model->vocabulary(), normalizers);
  if (part("post_processor")) post = PostProcessor(JsonPart(content["post_processor"], where, "post_processor"));
  if (part("decoder")) read_decoder(JsonPart(content["decoder"], where, "decoder"), decoders);
  decodes = part("decoder").has_value();
  if (post.trims()) {
    spaces.resize(static_cast<std::size_t>(model->vocabulary().ids()));
    for (std::size_t i = 0; i < spaces.size(); ++i)
      count_spaces(model->vocabulary().token(static_cast<int32_t>(i)), spaces[i].leading, spaces[i].trailing);
  }
  find_roles(file);
}

void Tokenizer::Parts::find_roles(const JsonPart& file) {
  const auto named = [this](std::initializer_list<const char*> names) -> std::optional<int32_t> {
    for (const char* name : names)
      if (const auto found = id(name)) return found;
    return std::nullopt;
  };
  if (const auto section = file.find("padding"); section && section->find("pad_token"))
    padding = id(section->text("pad_token"));
  if (!padding) padding = named({"[PAD]", "<pad>", "<|pad|>", "<PAD>"});
  mask = named({"[MASK]", "<mask>", "<|mask|>", "<MASK>"});
  cls = post.first() ? post.first() : named({"[CLS]", "<cls>", "<s>", "<|startoftext|>", "<bos>"});
  sep = post.last() ? post.last() : named({"[SEP]", "<sep>", "</s>", "<|endoftext|>", "<eos>"});
}

void Tokenizer::Parts::run(std::string_view original, bool special, Track track, std::vector<Draft>& drafts) const {
  if (needs_origins) track = Track::spans;
  Document document{valid_text(original, track), {}};
  if (!document.text.empty()) document.pieces.push_back({0, document.text.size(), 0});
  added.find(document, false);
  if (!normalizers.empty())
    rewrite(document, [this](Text& text) {
      for (const Normalizer& normalizer : normalizers) normalizer(text);
    });
  added.find(document, true);
  for (const PreTokenizer& step : pre.steps) step(document);
  if (shows_bytes) rewrite(document, show_bytes);

  WordCache& cache = WordCache::of(model_number);
  thread_local std::vector<Part> parts;
  for (const Piece& piece : document.pieces) {
    parts.clear();
    if (piece.id >= 0)
      parts.push_back({piece.id, 0, piece.end - piece.begin});
    else
      cache.tokenize(*model, document.view(piece), parts);
    for (const Part& part : parts) {
      Draft draft{part.id, 0, 0};
      if (track == Track::spans) {
        const Span span = document.text.span(piece.begin + part.begin, piece.begin + part.end);
        draft.begin = span.begin;
        draft.end = span.end;
        if (post.trims()) {
          const bool own = piece.id >= 0 || (model->shows_unknown() && part.id == model->unknown());
          if (own) {
            count_spaces(document.view(piece).substr(part.begin, part.end - part.begin), draft.leading, draft.trailing);
          } else {
            draft.leading = spaces[static_cast<std::size_t>(part.id)].leading;
            draft.trailing = spaces[static_cast<std::size_t>(part.id)].trailing;
          }
        }
      }
      drafts.push_back(draft);
    }
  }
  post.apply(original, special, drafts);
}

Tokenizer Tokenizer::parse(const std::string& json, const std::string& where) {
  nlohmann::json content = nlohmann::json::parse(json, nullptr, false);
  if (content.is_discarded() || !content.is_object())
    throw Error(ErrorKind::storage, where, "is no sound tokenizer.json: it is no JSON object",
                "use an undamaged tokenizer.json, as PyPI's tokenizers writes it");
  auto parts = std::make_shared<Parts>(content, where);
  parts->json = json;
  return Tokenizer(std::move(parts));
}

Tokenizer Tokenizer::read(const std::filesystem::path& tokenizer_json) {
  std::error_code ignored;
  const uintmax_t size = std::filesystem::file_size(tokenizer_json, ignored);
  if (!ignored && size > kLargestFile)
    throw Error(ErrorKind::storage, tokenizer_json.string(), "is no sound tokenizer.json: it is larger than 256 MB",
                "use an undamaged tokenizer.json, as PyPI's tokenizers writes it");
  return parse(read_file(tokenizer_json), tokenizer_json.string());
}

const std::string& Tokenizer::json() const { return parts_->json; }

std::vector<Token> Tokenizer::encode(std::string_view text, bool special) const {
  const std::vector<Draft>& drafts = parts_->drafts_of(text, special, Track::spans);
  std::vector<Token> tokens;
  tokens.reserve(drafts.size());
  for (const Draft& draft : drafts)
    tokens.push_back({draft.id, static_cast<int32_t>(draft.begin), static_cast<int32_t>(draft.end)});
  return tokens;
}

std::vector<int32_t> Tokenizer::ids(std::string_view text, bool special) const {
  const std::vector<Draft>& drafts = parts_->drafts_of(text, special, Track::nothing);
  std::vector<int32_t> result;
  result.reserve(drafts.size());
  for (const Draft& draft : drafts) result.push_back(draft.id);
  return result;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) {
    const AddedToken* added = parts_->added.token(id);
    if (added == nullptr && !parts_->model->vocabulary().has(id)) continue;
    std::string token = added != nullptr ? added->normalized : std::string(parts_->model->vocabulary().token(id));
    if (skip_special && parts_->added.special(token)) continue;
    tokens.push_back(std::move(token));
  }
  for (const Decoder& decoder : parts_->decoders) decoder(tokens);
  return join(tokens, parts_->decodes ? "" : " ");
}

int32_t Tokenizer::size() const { return std::max(parts_->model->vocabulary().ids(), parts_->added.ids()); }
std::optional<int32_t> Tokenizer::id(std::string_view token) const { return parts_->id(token); }
std::string Tokenizer::token(int32_t id) const {
  const AddedToken* added = parts_->added.token(id);
  return added != nullptr ? added->content : std::string(parts_->model->vocabulary().token(id));
}
bool Tokenizer::special(int32_t id) const {
  const AddedToken* added = parts_->added.token(id);
  return added != nullptr && added->special;
}
std::optional<int32_t> Tokenizer::padding() const { return parts_->padding; }
std::optional<int32_t> Tokenizer::unknown() const { return parts_->model->unknown(); }
std::optional<int32_t> Tokenizer::mask() const { return parts_->mask; }
std::optional<int32_t> Tokenizer::cls() const { return parts_->cls; }
std::optional<int32_t> Tokenizer::sep() const { return parts_->sep; }

}  // namespace fewlabel
