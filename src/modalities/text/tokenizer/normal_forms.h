// Unicode's normal forms.
#pragma once
#include "modalities/text/tokenizer/text.h"

namespace fewlabel::tokenizing {

enum class NormalForm { nfc, nfd, nfkc, nfkd };

void normalize(Text& text, NormalForm form);

}  // namespace fewlabel::tokenizing
