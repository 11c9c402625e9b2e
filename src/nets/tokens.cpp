#include "nets/tokens.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

#include <algorithm>
#include <cmath>

namespace fewlabel {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kLeastWeight = 1e-30, kLargest = 1e30;

/// `there`: bool N × T.
void pack(TokenRows& rows, const Tensor& there, Tensor& index) {
  const Tensor flags = there.contiguous();
  const int64_t n = flags.size(0), t = flags.size(1), count = flags.sum().item<int64_t>();
  index = torch::empty({count}, torch::kLong);
  rows.place = torch::empty({count}, torch::kLong);
  rows.starts.reserve(static_cast<std::size_t>(n) + 1);
  const bool* flag = flags.data_ptr<bool>();
  auto *at = index.data_ptr<int64_t>(), *place = rows.place.data_ptr<int64_t>();
  int64_t row = 0;
  for (int64_t i = 0; i < n; ++i) {
    rows.starts.push_back(row);
    for (int64_t j = 0; j < t; ++j)
      if (flag[i * t + j]) {
        at[row] = i * t + j;
        place[row++] = j;
        rows.length = std::max(rows.length, j + 1);
      }
  }
  rows.starts.push_back(row);
}

/// The rows of one text as heads × L × size, of its query (0), key (1) or value (2).
Tensor part_of(const Tensor& qkv, int64_t part, int64_t heads) {
  const int64_t width = qkv.size(1) / 3;
  return qkv.slice(1, part * width, (part + 1) * width).unflatten(1, {heads, width / heads}).transpose(0, 1);
}

/// What all texts of a batch share.
struct PackedTexts {
  std::vector<int64_t> starts;
  Tensor place;
  int64_t heads;
};

/// Where the scores of a text's tokens for each other lie in a table by places. Only differences count, so that a text
/// without gaps takes a corner of it.
struct PlacesOfText {
  PlacesOfText(const Tensor& places, int64_t from, int64_t to) : place(places.slice(0, from, to)), length(to - from) {
    const int64_t* first = place.data_ptr<int64_t>();
    whole = first[length - 1] - first[0] == length - 1;
  }
  Tensor of(const Tensor& table) const {
    return whole ? corner(table) : table.index_select(1, place).index_select(2, place);
  }
  void add_to(const Tensor& table, const Tensor& values) const {
    if (whole) {
      corner(table).add_(values);
      return;
    }
    const Tensor rows =
        torch::zeros({table.size(0), length, table.size(2)}, torch::kFloat).index_copy_(2, place, values);
    Tensor(table).index_add_(1, place, rows);
  }
  Tensor corner(const Tensor& table) const { return table.slice(1, 0, length).slice(2, 0, length); }

  Tensor place;
  int64_t length;
  bool whole = true;
};

/// Each text by itself, of its own length; in fp32. Products of a text are too small for bf16 to pay, and its sums too
/// long for bf16 to hold.
struct PackedAttention : torch::autograd::Function<PackedAttention> {
  static Tensor forward(AutogradContext* ctx, const Tensor& qkv, const c10::optional<Tensor>& bias,
                        const c10::optional<Tensor>& relative, PackedTexts packed) {
    const std::vector<int64_t>& starts = packed.starts;
    const auto texts = static_cast<int64_t>(starts.size()) - 1;
    const int64_t width = qkv.size(1) / 3, heads = packed.heads;
    const double scale = 1.0 / std::sqrt(static_cast<double>(width / heads));
    const Tensor in = qkv.detach().contiguous();
    const Tensor table = relative ? relative->detach().to(torch::kFloat) : Tensor();
    Tensor out = torch::empty({qkv.size(0), width}, qkv.options());
    std::vector<int64_t> first;  // of each text among the probabilities
    int64_t numbers = 0;
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      first.push_back(numbers);
      numbers += heads * (starts[i + 1] - starts[i]) * (starts[i + 1] - starts[i]);
    }
    const Tensor probability = torch::empty({numbers}, torch::kFloat);
    at::parallel_for(0, texts, 1, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const int64_t from = starts[i], to = starts[i + 1], length = to - from;
        if (length == 0) continue;
        const Tensor own = in.slice(0, from, to).to(torch::kFloat);
        Tensor p = probability.narrow(0, first[i], heads * length * length).view({heads, length, length});
        const Tensor q = part_of(own, 0, heads), keys = part_of(own, 1, heads).transpose(1, 2);
        Tensor added;
        if (bias) added = bias->slice(0, from, to).view({1, 1, length});
        if (relative) {
          const Tensor by_place = PlacesOfText(packed.place, from, to).of(table);
          added = added.defined() ? added + by_place : by_place;
        }
        if (added.defined())
          at::softmax_out(p, at::baddbmm(added, q, keys, 1.0, scale), 2);
        else
          at::softmax_out(p, at::bmm(q, keys).mul_(scale), 2);
        out.slice(0, from, to)
            .unflatten(1, {heads, width / heads})
            .transpose(0, 1)
            .copy_(at::bmm(p, part_of(own, 2, heads)));
      }
    });
    ctx->save_for_backward({in, probability, packed.place});
    ctx->saved_data["starts"] = std::move(packed.starts);
    ctx->saved_data["first"] = std::move(first);
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["places"] = relative && relative->requires_grad() ? relative->size(1) : int64_t{0};
    return out;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &in = saved[0], &probability = saved[1], &place = saved[2];
    const auto starts = ctx->saved_data["starts"].toIntVector(), first = ctx->saved_data["first"].toIntVector();
    const int64_t heads = ctx->saved_data["heads"].toInt(), width = in.size(1) / 3;
    const int64_t places = ctx->saved_data["places"].toInt();
    const double scale = 1.0 / std::sqrt(static_cast<double>(width / heads));
    const Tensor dy = gradients[0].contiguous();
    Tensor gradient = torch::empty_like(in);
    const Tensor scores = places > 0 ? torch::empty_like(probability) : Tensor();
    const auto of_text = [&](const Tensor& numbers, std::size_t i) {
      const int64_t length = starts[i + 1] - starts[i];
      return numbers.narrow(0, first[i], heads * length * length).view({heads, length, length});
    };
    at::parallel_for(0, static_cast<int64_t>(first.size()), 1, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const int64_t from = starts[i], to = starts[i + 1];
        if (from == to) continue;
        const Tensor own = in.slice(0, from, to).to(torch::kFloat);
        const Tensor d_out =
            dy.slice(0, from, to).to(torch::kFloat).unflatten(1, {heads, width / heads}).transpose(0, 1);
        const Tensor p = of_text(probability, i);
        const Tensor d_p = at::bmm(d_out, part_of(own, 2, heads).transpose(1, 2));
        Tensor d_score = at::_softmax_backward_data(d_p, p, 2, torch::kFloat);
        if (places > 0) of_text(scores, i).copy_(d_score);
        d_score.mul_(scale);
        const Tensor d_own = gradient.slice(0, from, to);
        part_of(d_own, 0, heads).copy_(at::bmm(d_score, part_of(own, 1, heads)));
        part_of(d_own, 1, heads).copy_(at::bmm(d_score.transpose(1, 2), part_of(own, 0, heads)));
        part_of(d_own, 2, heads).copy_(at::bmm(p.transpose(1, 2), d_out));
      }
    });
    Tensor d_relative;
    if (places > 0) {  // one text after the other: threads must not change a sum
      d_relative = torch::zeros({heads, places, places}, torch::kFloat);
      for (std::size_t i = 0; i < first.size(); ++i)
        if (starts[i] < starts[i + 1])
          PlacesOfText(place, starts[i], starts[i + 1]).add_to(d_relative, of_text(scores, i));
    }
    return {gradient, Tensor(), d_relative, Tensor()};
  }
};

/// The weighted sum of each text's rows, packed. weight: P × 1.
struct PackedSum : torch::autograd::Function<PackedSum> {
  static Tensor forward(AutogradContext* ctx, const Tensor& rows, const Tensor& weight, std::vector<int64_t> starts) {
    const auto texts = static_cast<int64_t>(starts.size()) - 1;
    Tensor sum = torch::zeros({texts, rows.size(1)}, rows.options());
    at::parallel_for(0, texts, 16, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = starts[static_cast<std::size_t>(i)], to = starts[static_cast<std::size_t>(i) + 1];
        if (from == to) continue;
        Tensor own = sum.narrow(0, i, 1);
        at::mm_out(own, weight.slice(0, from, to).t(), rows.slice(0, from, to));
      }
    });
    ctx->save_for_backward({weight});
    ctx->saved_data["starts"] = std::move(starts);
    return sum;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const Tensor weight = ctx->get_saved_variables()[0];
    const auto starts = ctx->saved_data["starts"].toIntVector();
    const Tensor& dy = gradients[0];
    Tensor gradient = torch::empty({weight.size(0), dy.size(1)}, dy.options());
    at::parallel_for(0, static_cast<int64_t>(starts.size()) - 1, 16, [&](int64_t begin, int64_t end) {
      const at::NoGradGuard no_grad;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t from = starts[static_cast<std::size_t>(i)], to = starts[static_cast<std::size_t>(i) + 1];
        if (from == to) continue;
        Tensor own = gradient.slice(0, from, to);
        at::mul_out(own, weight.slice(0, from, to), dy.narrow(0, i, 1));
      }
    });
    return {gradient, Tensor(), Tensor()};
  }
};

/// bias: broadcast to N × heads × T × T; not defined where there is none.
Tensor attend_padded(const Tensor& qkv, const Tensor& bias, const TokenRows& tokens, int64_t heads) {
  const int64_t n = tokens.texts, t = tokens.length, width = qkv.size(1) / 3, each = width / heads;
  const auto parts = qkv.view({n, t, 3, heads, each}).permute({2, 0, 3, 1, 4}).unbind(0);
  Tensor scores = torch::matmul(parts[0] * (1.0 / std::sqrt(static_cast<double>(each))), parts[1].transpose(2, 3))
                      .to(torch::kFloat);
  if (bias.defined()) scores = scores + bias;
  const Tensor p = torch::softmax(scores, 3);
  return torch::matmul(p.to(parts[2].scalar_type()), parts[2]).transpose(1, 2).reshape({n * t, width});
}

}  // namespace

TokenRows token_rows(const Tensor& x, bool packed) {
  TokenRows rows;
  rows.texts = x.size(0);
  rows.packed = packed;
  const bool embedded = x.is_floating_point();
  const int64_t size = embedded ? x.size(2) - 1 : 0;
  const Tensor weight = embedded ? x.detach().select(2, size) : Tensor();
  const Tensor there = embedded ? weight.gt(0) : x.ne(kPadding);
  if (!packed) {
    rows.length = x.size(1);
    rows.place = torch::arange(rows.length, x.options().dtype(torch::kLong).requires_grad(false)).repeat({rows.texts});
    rows.weight = (embedded ? weight.clamp_min(0) : there.to(torch::kFloat)).flatten();
    if (embedded)
      rows.values = (x.slice(2, 0, size) * there.unsqueeze(2)).flatten(0, 1);
    else
      rows.ids = x.to(torch::kLong).flatten();
    return rows;
  }
  Tensor index;
  pack(rows, there, index);
  if (embedded) {
    // As an embedding, whose gradient libtorch computes in parallel; that of index_select goes row by row.
    rows.values = torch::embedding(x.flatten(0, 1), index).slice(1, 0, size);
    rows.weight = weight.flatten().index_select(0, index);
    if (rows.weight.eq(1).all().item<bool>()) rows.weight.reset();
  } else {
    rows.ids = x.flatten().index_select(0, index).to(torch::kLong);
  }
  return rows;
}

TokenRows token_rows(const Tensor& x) { return token_rows(x, x.device().is_cpu()); }

Tensor embedded_tokens(const Tensor& ids, const Tensor& weights) {
  const Tensor there = ids.ne(kPadding).unsqueeze(2).to(torch::kFloat);
  const double scale = std::sqrt(static_cast<double>(weights.size(1)));
  return torch::cat({torch::embedding(weights, ids.to(torch::kLong)) * (scale * there), there}, 2);
}

Tensor token_noise(const Tensor& embedded) {
  const int64_t size = embedded.size(2) - 1;
  const Tensor there = embedded.detach().slice(2, size).gt(0);
  return torch::cat({torch::randn_like(embedded.slice(2, 0, size)) * there, torch::zeros_like(embedded.slice(2, size))},
                    2);
}

Tensor mean_of_texts(const Tensor& rows, const TokenRows& tokens) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const Tensor x = rows.to(torch::kFloat);
  if (!tokens.packed) {
    const Tensor weight = tokens.weight.view({tokens.texts, tokens.length, 1});
    const Tensor sum = (x.view({tokens.texts, tokens.length, -1}) * weight).sum(1);
    return sum / weight.sum(1).clamp_min(kLeastWeight);
  }
  // Each row counts by its share of the text's weight.
  Tensor share = tokens.weight.defined() ? tokens.weight.clone() : torch::ones({tokens.count()}, torch::kFloat);
  float* of = share.data_ptr<float>();
  for (std::size_t i = 0; i + 1 < tokens.starts.size(); ++i) {
    double sum = 0;
    for (int64_t row = tokens.starts[i]; row < tokens.starts[i + 1]; ++row) sum += of[row];
    for (int64_t row = tokens.starts[i]; row < tokens.starts[i + 1]; ++row)
      of[row] = static_cast<float>(of[row] / std::max(sum, kLeastWeight));
  }
  return PackedSum::apply(x, share.unsqueeze(1), tokens.starts);
}

Tensor first_of_texts(const Tensor& rows, const TokenRows& tokens) {
  if (!tokens.packed) {
    const Tensor there = tokens.weight.view({tokens.texts, tokens.length}).gt(0).any(1, true);
    return rows.view({tokens.texts, tokens.length, -1}).select(1, 0).to(torch::kFloat) * there;
  }
  Tensor share = torch::zeros({tokens.count(), 1}, torch::kFloat);
  for (std::size_t i = 0; i + 1 < tokens.starts.size(); ++i)
    if (tokens.starts[i] < tokens.starts[i + 1]) share.data_ptr<float>()[tokens.starts[i]] = 1.0F;
  return PackedSum::apply(rows.to(torch::kFloat), share, tokens.starts);
}

Tensor max_of_texts(const Tensor& rows, const TokenRows& tokens) {
  const Tensor x = rows.to(torch::kFloat);
  if (!tokens.packed) {
    const Tensor there = tokens.weight.view({tokens.texts, tokens.length, 1}).gt(0);
    const Tensor of = x.view({tokens.texts, tokens.length, -1}).masked_fill(there.logical_not(), -kLargest);
    return std::get<0>(of.max(1)) * there.any(1);
  }
  std::vector<Tensor> largest;
  for (std::size_t i = 0; i + 1 < tokens.starts.size(); ++i) {
    const int64_t from = tokens.starts[i], to = tokens.starts[i + 1];
    largest.push_back(from == to ? torch::zeros({x.size(1)}, x.options()) : std::get<0>(x.slice(0, from, to).max(0)));
  }
  return torch::stack(largest);
}

Tensor root_mean_of_texts(const Tensor& rows, const TokenRows& tokens) {
  Tensor length;
  if (!tokens.packed) {
    length = tokens.weight.view({tokens.texts, tokens.length}).sum(1);
  } else {
    length = torch::zeros({tokens.texts}, torch::kFloat);
    for (int64_t i = 0; i < tokens.texts; ++i) {
      const int64_t from = tokens.starts[static_cast<std::size_t>(i)],
                    to = tokens.starts[static_cast<std::size_t>(i) + 1];
      length[i] = tokens.weight.defined() ? tokens.weight.slice(0, from, to).sum()
                                          : torch::scalar_tensor(static_cast<double>(to - from));
    }
  }
  return mean_of_texts(rows, tokens) * length.sqrt().unsqueeze(1);
}

Tensor attend(const Tensor& qkv, const TokenRows& tokens, int64_t heads, const Tensor& relative) {
  // A token of which little is there is looked at little.
  c10::optional<Tensor> bias;
  if (tokens.weight.defined()) bias = tokens.weight.clamp_min(kLeastWeight).log();
  if (tokens.packed) {
    const c10::optional<Tensor> by_place = relative.defined() ? c10::make_optional(relative) : c10::nullopt;
    return PackedAttention::apply(qkv, bias, by_place, PackedTexts{tokens.starts, tokens.place, heads});
  }
  Tensor of_all = relative.defined() ? relative.unsqueeze(0) : Tensor();
  if (bias) {
    const Tensor of_keys = bias->view({tokens.texts, 1, 1, tokens.length});
    of_all = of_all.defined() ? of_keys + of_all : of_keys;
  }
  return attend_padded(qkv, of_all, tokens, heads);
}

}  // namespace fewlabel
