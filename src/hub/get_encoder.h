// Encoders from a Hugging Face hub: https://huggingface.co/docs/hub/api. Free of libtorch.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "core/live_line.h"
#include "fewlabel/layout.h"

namespace fewlabel {

struct EncoderRequest {
  std::string repository;         // "ORG/NAME"
  std::string revision = "main";  // a branch, a tag or a commit
  std::filesystem::path to;       // where its folder NAME goes; empty: encoder_folder()
  ProgressMode progress = ProgressMode::none;
};

struct GotFile {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
  bool checked = false;  // the hub said the same SHA-256
};

struct GotEncoder {
  std::string name, title, licence, commit;  // licence: empty where it is unknown
  Kind kind = Kind::image;
  std::filesystem::path folder;
  bool there = false;  // already, whole: nothing was fetched
  std::vector<GotFile> files;
};

/// Asks $HF_ENDPOINT, else https://huggingface.co; $HF_TOKEN goes there and to no other host. The folder appears once
/// all of it is there and find_encoder reads it; what was fetched by then stays beside it, hidden, and the next call
/// goes on with it. Whether fewlabel knows such a net is found out before its weights are fetched. Throws Error{usage}:
/// no such name, no such model, one that may not be read, something else is in its place; Error{data}: no encoder that
/// is known here, or other bytes than the hub said; Error{storage}; Error{failure}: no network, a server out of order;
/// Error{interrupted or terminated} within two seconds of a signal.
GotEncoder get_encoder(const EncoderRequest& request);

}  // namespace fewlabel
