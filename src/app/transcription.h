// Transcripts in a run: the symbols that they are made of, what a net hears, and how wrong that is.
#pragma once
#include <torch/torch.h>

#include <string>
#include <vector>

#include "app/evaluation.h"
#include "app/setup.h"
#include "eval/transcriber.h"

namespace fewlabel {

/// The characters of the transcripts of these examples in order, behind the blank, which is written as nothing.
std::vector<std::string> alphabet_of(const Source& source, const std::vector<int64_t>& indices);
/// The transcripts of these examples as indices into `alphabet`; a character that it lacks is left out.
std::vector<std::vector<int32_t>> spelled(const Source& source, const std::vector<int64_t>& indices,
                                          const std::vector<std::string>& alphabet);

/// summary: word_error_rate and character_error_rate (mistakes per word and character that was said), whole_transcripts
/// (the share without a wrong word), test_examples.
/// predictions: path, transcript, heard, probability. `heard`: one of each example of `pool`.
Evaluation evaluate_transcripts(const std::vector<Transcript>& heard, const Pool& pool, const Judged& judged);

}  // namespace fewlabel
