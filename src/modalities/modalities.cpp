#include "modalities/modalities.h"

#include <fmt/format.h>

#include <cstring>

#include "fewlabel/error.h"
#include "modalities/audio/front_end.h"
#include "modalities/audio/modality.h"
#include "modalities/image/modality.h"
#include "modalities/table/modality.h"
#include "modalities/text/modality.h"
#include "modalities/text/plain.h"

namespace fewlabel {

void Modality::sketch(const uint8_t* /*example*/, const Layout& /*layout*/, float* /*out*/) const {
  throw Error(ErrorKind::failure, "modality", fmt::format("{}s have no sketches", word_for_one(kind())));
}

int64_t Modality::parts(const uint8_t* /*kept*/, const Layout& /*seen*/) const { return 1; }

void Modality::plain(const uint8_t* kept, const Layout& seen, int64_t /*part*/, uint8_t* out) const {
  std::memcpy(out, kept, static_cast<std::size_t>(seen.bytes()));
}

std::shared_ptr<const Modality> plain_modality(Kind kind, const DataOptions& options) {
  switch (kind) {
    case Kind::image:
      return make_image_modality(options.max_pixels);
    case Kind::text:
      return make_plain_text_modality();
    case Kind::audio:
      return make_audio_modality(options.sound);
    case Kind::table:
      break;
  }
  return make_table_modality();
}

std::shared_ptr<const Modality> fit_modality(const Source& train, const std::vector<int64_t>& pool,
                                             const FitRequest& request) {
  if (train.kind() != Kind::text) return plain_modality(train.kind(), request.options);
  const bool cased = request.tokenizer == "cased";
  const Tokenizer tokenizer = cased || request.tokenizer == "auto"
                                  ? train_tokenizer(train, pool, request.vocabulary, cased)
                                  : Tokenizer::read(request.tokenizer);
  return make_text_modality(tokenizer, count_tokens(tokenizer, train, pool));
}

std::shared_ptr<const Modality> load_modality(Kind kind, const std::filesystem::path& folder,
                                              const DataOptions& options) {
  if (kind == Kind::audio) return make_audio_modality(read_front_end(folder));
  if (kind != Kind::text) return plain_modality(kind, options);
  return make_text_modality(Tokenizer::read(folder / kTokenizerFile), {});
}

}  // namespace fewlabel
