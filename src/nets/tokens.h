// Texts as rows of tokens, for the nets that read them. On the CPU padding is left out, so that a batch costs what its
// words cost; on a GPU, where the sizes of a recorded step must stay, it is kept and counts for nothing.
#pragma once
#include <torch/torch.h>

#include <vector>

#include "fewlabel/net.h"

namespace fewlabel {

/// A batch of N texts. Its rows are the P tokens that are no padding, text by text, or all N × T.
struct TokenRows {
  int64_t texts = 0, length = 0;  // N; T, in which the longest text of the batch fits
  bool packed = false;            // without padding
  std::vector<int64_t> starts;    // where packed: of each text, and P
  Tensor place;                   // rows, int64: position in the text
  Tensor weight;                  // rows, fp32: how much of a token is there; undefined where all are there in full
  Tensor ids;                     // rows, int64; undefined where tokens came embedded
  Tensor values;                  // rows × E, fp32; undefined where tokens came as ids
  int64_t count() const { return place.size(0); }
};

/// x: ids N × T, or N × T × (E + 1) as NetModule::embed() gives it, of which a token with no weight is left out.
TokenRows token_rows(const Tensor& x, bool packed);
/// Packed where x is on the CPU.
TokenRows token_rows(const Tensor& x);

/// ids N × T, weights V × E → N × T × (E + 1): √E times the row of each token and, last, 1; all 0 at padding. The
/// factor gives numbers of deviation 1 (Vaswani et al. 2017, section 3.4), on the scale of other inputs.
Tensor embedded_tokens(const Tensor& ids, const Tensor& weights);
/// NetModule::noise() of such.
Tensor token_noise(const Tensor& embedded);

/// rows × W → N × W: the mean of each text, weighted; 0 for a text without tokens.
Tensor mean_of_texts(const Tensor& rows, const TokenRows& tokens);
/// The first row of each text; 0 for a text without tokens.
Tensor first_of_texts(const Tensor& rows, const TokenRows& tokens);
/// The largest of each column over a text, its padding left out; 0 for a text without tokens.
Tensor max_of_texts(const Tensor& rows, const TokenRows& tokens);
/// The sum of each text over the root of its length: its mean times that root.
Tensor root_mean_of_texts(const Tensor& rows, const TokenRows& tokens);

/// Multi-head self-attention of each text over itself: rows × 3W, of which a row is query, key and value, each heads ×
/// (W / heads) → rows × W. `relative`, where it is defined: heads × T × T, of places, which is added to the scores of a
/// query's place (second) for a key's (third) and depends on their difference alone.
Tensor attend(const Tensor& qkv, const TokenRows& tokens, int64_t heads, const Tensor& relative = {});

}  // namespace fewlabel
