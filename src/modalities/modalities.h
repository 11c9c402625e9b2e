// The modality of each kind of data: who has a source and wants to know what its bytes mean asks here.
#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "fewlabel/modality.h"

namespace fewlabel {

/// As it is before anything is fitted: enough to look at examples. Throws Error{data} for a kind that nothing reads.
std::shared_ptr<const Modality> plain_modality(Kind kind, const DataOptions& options);

/// The file of a model's folder that a text modality writes.
inline constexpr const char* kTokenizerFile = "tokenizer.json";

/// What fit_modality() is told.
struct FitRequest {
  DataOptions options;
  std::string tokenizer = "auto";  // text: a tokenizer.json; one is trained: auto (without case), cased
  int64_t vocabulary = 8000;       // text: of one that is trained
};
/// Fitted to those examples of a training source that may be learnt from; of images nothing is.
std::shared_ptr<const Modality> fit_modality(const Source& train, const std::vector<int64_t>& pool,
                                             const FitRequest& request);
/// As Modality::write() left it in a model's folder. Throws Error{storage}.
std::shared_ptr<const Modality> load_modality(Kind kind, const std::filesystem::path& folder,
                                              const DataOptions& options);

}  // namespace fewlabel
