// Views of texts: steps that take, change or hide whole words of a sequence of token ids. What a text means mostly
// outlives the loss of a word in ten, which is to text what a crop is to an image (EDA: Wei and Zou 2019,
// arXiv:1901.11196; UDA's replacement by frequency: Xie et al. 2020, arXiv:1904.12848; span masking: Joshi et al. 2020,
// arXiv:1907.10529).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fewlabel/transform.h"

namespace fewlabel {

/// What the steps know of a vocabulary.
struct WordTable {
  std::vector<char> begins;        // of each id: whether a word begins with it
  std::vector<double> cumulative;  // of each id: how often it and those before it were seen, as a share; or empty
  int32_t draw(Random& random) const;
};

/// What recipes mean by the names of views, where they do not say.
inline ViewPolicies text_policies() {
  return {"delete(0.05)", "delete(0.1)+swap(0.1)+replace(0.1)+mask(0.15)", "none"};
}

/// Steps, of words: `delete(p=0.1)`, `swap(p=0.1)` with the next, `replace(p=0.1)` each token by one drawn by how often
/// it is seen, `mask(p=0.15, span=3)` in spans of up to so many words, `crop(fraction=0.8)` to a part that is whole.
/// Special tokens stay where they are, and at least one word stays. Throws Error{usage}.
std::unique_ptr<Transform> make_text_transform(const std::string& policy, std::shared_ptr<const WordTable> words);

}  // namespace fewlabel
