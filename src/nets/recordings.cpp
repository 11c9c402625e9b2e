#include "nets/recordings.h"

#include <algorithm>
#include <map>
#include <vector>

#include "nets/tokens.h"

namespace fewlabel {
namespace {

/// Of each recording, F × W. Those of one length go together, a few at a time.
std::vector<Tensor> frames_of_recordings(const Tensor& x, const FramesOf& frames_of) {
  constexpr std::size_t kTogether = 8;  // the first convolution of a second has megabytes
  const int64_t samples = x.size(1);
  const Tensor there = x.detach().ne(0).to(torch::kByte);
  const Tensor first = there.argmax(1).cpu(), behind = there.flip(1).argmax(1).cpu();
  std::map<int64_t, std::vector<int64_t>> by_length;
  for (int64_t i = 0; i < x.size(0); ++i)
    by_length[samples - first[i].item<int64_t>() - behind[i].item<int64_t>()].push_back(i);
  std::vector<Tensor> frames(static_cast<std::size_t>(x.size(0)));
  for (const auto& [length, recordings] : by_length)
    for (std::size_t from = 0; from < recordings.size(); from += kTogether) {
      const std::size_t to = std::min(from + kTogether, recordings.size());
      std::vector<Tensor> own;
      for (std::size_t k = from; k < to; ++k)
        own.push_back(x[recordings[k]].narrow(0, first[recordings[k]].item<int64_t>(), length));
      const Tensor seen = frames_of(torch::stack(own));
      for (std::size_t k = from; k < to; ++k)
        frames[static_cast<std::size_t>(recordings[k])] = seen[static_cast<int64_t>(k - from)];
    }
  return frames;
}

/// Frames as rows, as a transformer of tokens takes them: packed, or filled up to the longest.
struct FrameRows {
  TokenRows rows;
  Tensor values;  // rows × W
};
FrameRows rows_of_frames(const std::vector<Tensor>& frames, bool packed) {
  FrameRows result;
  TokenRows& rows = result.rows;
  rows.texts = static_cast<int64_t>(frames.size());
  for (const Tensor& one : frames) rows.length = std::max(rows.length, one.size(0));
  rows.packed = packed;
  if (!rows.packed) {
    std::vector<Tensor> full, there;
    for (const Tensor& one : frames) {
      const int64_t missing = rows.length - one.size(0);
      full.push_back(torch::constant_pad_nd(one, {0, 0, 0, missing}));
      there.push_back(
          torch::constant_pad_nd(torch::ones({one.size(0)}, one.options().dtype(torch::kFloat)), {0, missing}));
    }
    result.values = torch::cat(full);
    rows.weight = torch::cat(there).detach();
    rows.place = torch::arange(rows.length, rows.weight.options().dtype(torch::kLong)).repeat({rows.texts});
    return result;
  }
  std::vector<Tensor> places;
  int64_t count = 0;
  for (const Tensor& one : frames) {
    rows.starts.push_back(count);
    places.push_back(torch::arange(one.size(0), torch::kLong));
    count += one.size(0);
  }
  rows.starts.push_back(count);
  rows.place = torch::cat(places);
  result.values = torch::cat(frames);
  return result;
}

}  // namespace

Tensor features_of_recordings(const Tensor& x, const FramesOf& frames_of, TextTransformer& transformer) {
  return features_of_recordings(x, frames_of, transformer, x.device().is_cpu());
}

Tensor features_of_recordings(const Tensor& x, const FramesOf& frames_of, TextTransformer& transformer, bool packed) {
  const FrameRows frames = rows_of_frames(frames_of_recordings(x, frames_of), packed);
  return mean_of_texts(transformer->forward(frames.values, frames.rows), frames.rows);
}

Tensor noise_of_recordings(const Tensor& x) { return torch::randn_like(x) * x.detach().ne(0); }

}  // namespace fewlabel
