#include "eval/probe.h"

#include <algorithm>
#include <limits>

#include "core/work.h"
#include "eval/classify.h"
#include "fewlabel/random.h"
#include "methods/common/linear_head.h"
#include "train/device.h"

namespace fewlabel {
namespace {

constexpr int64_t kRows = 500;  // rows of a distance matrix at a time

int64_t class_count(const Tensor& y) { return y.numel() > 0 ? y.max().item<int64_t>() + 1 : 0; }

}  // namespace

std::function<Tensor(const Tensor&)> feature_function(Method& method) {
  const torch::Device device = device_of(method);
  if (auto* encoder = dynamic_cast<Encoder*>(&method))
    return [encoder, device](const Tensor& x) { return encoder->features(x.to(device)).flatten(1); };
  if (auto* classifier = dynamic_cast<Classifier*>(&method))
    return [net = classifier->network(), device](const Tensor& x) { return net->features(x.to(device)).flatten(1); };
  return {};
}

Tensor knn_classify(const Features& known, const Tensor& x, const KnnOptions& options) {
  const torch::NoGradGuard no_gradient;
  const bool cosine = options.distance == Distance::cosine;
  const Tensor bank = cosine ? rows_of_length_one(known.x) : known.x;
  // Nearest by ‖a - b‖² = ‖a‖² - 2 a·b + ‖b‖²; ‖a‖² is the same for all b.
  const Tensor half_square = cosine ? Tensor() : bank.square().sum(1) / 2;
  const int64_t k = std::min(options.k, bank.size(0)), classes = class_count(known.y);
  std::vector<Tensor> parts;
  Work work("finding neighbours", x.size(0));
  for (int64_t begin = 0; begin < x.size(0); begin += kRows) {
    const Tensor rows = x.slice(0, begin, std::min(begin + kRows, x.size(0)));
    Tensor likeness = (cosine ? rows_of_length_one(rows) : rows).mm(bank.t());
    if (!cosine) likeness.sub_(half_square);
    const Tensor label = known.y.index_select(0, std::get<1>(likeness.topk(k, 1)).flatten()).view({-1, k});
    // A vote counts, and a little more the nearer it is, so that a tie goes to the nearer class. Whole numbers: exact.
    const Tensor vote = torch::arange(k, 0, -1, torch::kDouble) + static_cast<double>(4 * k * k);
    Tensor votes = torch::zeros({rows.size(0), classes}, torch::kDouble);
    votes.scatter_add_(1, label, vote.expand_as(label).contiguous());
    parts.push_back(votes.argmax(1));
    work.advance(rows.size(0));
  }
  return parts.empty() ? torch::empty({0}, torch::kLong) : torch::cat(parts);
}

Tensor linear_classify(const Features& known, const Tensor& x, const LinearOptions& options) {
  const torch::NoGradGuard no_gradient;
  const int64_t count = known.x.size(0), classes = class_count(known.y);
  const Tensor mean = known.x.mean(0);
  const Tensor deviation = known.x.std(0, /*unbiased=*/false);
  // A feature that never moves carries nothing; dividing by its deviation would blow up noise elsewhere.
  const Tensor scale = torch::where(deviation > 1e-6, 1 / deviation.clamp_min(1e-6), torch::zeros_like(deviation));
  const Tensor a = (known.x - mean) * scale;
  const SoftLabels labels{a, torch::one_hot(known.y, classes).to(torch::kFloat), torch::ones({count})};
  const LinearHead head =
      fit_logistic(labels, 1 / options.penalty, {.iterations = options.iterations, .tolerance = 1e-5});
  return head.logits((x - mean) * scale).argmax(1);
}

double share_equal(const Tensor& predicted, const Tensor& y) {
  return y.numel() == 0 ? 0 : predicted.eq(y).to(torch::kDouble).mean().item<double>();
}

namespace {

/// Squared distances of every row to every centre, with the rows' own square left out.
Tensor partial_distance(const Tensor& x, const Tensor& centres) {
  return centres.square().sum(1) - 2 * x.mm(centres.t());
}

/// k-means++: each further centre is drawn in proportion to the squared distance to the nearest one so far.
Tensor first_centres(const Tensor& x, int64_t clusters, Random& random, const Work& work) {
  const Tensor square = x.square().sum(1);
  std::vector<Tensor> centres{x[static_cast<int64_t>(random.below(static_cast<uint32_t>(x.size(0))))]};
  Tensor nearest = torch::full({x.size(0)}, std::numeric_limits<float>::infinity());
  while (static_cast<int64_t>(centres.size()) < clusters) {
    work.check();
    const Tensor last = centres.back();
    nearest = torch::minimum(nearest, (square - 2 * x.mv(last) + last.square().sum()).clamp_min(0));
    const Tensor heap = nearest.to(torch::kDouble).cumsum(0);
    const double drawn = random.uniform() * heap[-1].item<double>();
    const auto at = heap.gt(drawn).to(torch::kInt).argmax().item<int64_t>();
    centres.push_back(x[at]);
  }
  return torch::stack(centres);
}

}  // namespace

Tensor k_means(const Tensor& x, const ClusterOptions& options) {
  const torch::NoGradGuard no_gradient;
  const int64_t clusters = std::min(options.clusters, x.size(0));
  const double square = x.square().sum().item<double>();
  Tensor best;
  double smallest = std::numeric_limits<double>::infinity();
  Work work("finding clusters", 0);
  for (int64_t restart = 0; restart < options.restarts; ++restart) {
    Random random({options.seed, "k-means", static_cast<uint64_t>(restart)});
    Tensor centres = first_centres(x, clusters, random, work), chosen;
    double sum = 0;
    for (int64_t i = 0; i < options.iterations; ++i) {
      work.advance();
      const auto [distance, nearest] = partial_distance(x, centres).min(1);
      sum = square + distance.to(torch::kDouble).sum().item<double>();
      if (chosen.defined() && torch::equal(nearest, chosen)) break;
      chosen = nearest;
      const Tensor member = torch::one_hot(nearest, clusters).to(torch::kFloat);
      const Tensor size = member.sum(0).unsqueeze(1);
      centres = torch::where(size > 0, member.t().mm(x) / size.clamp_min(1), centres);
    }
    if (sum < smallest) {
      smallest = sum;
      best = chosen;
    }
  }
  return best;
}

std::vector<int64_t> best_assignment(const std::vector<std::vector<double>>& gain) {
  // Kuhn-Munkres with potentials, O(n³), on costs = -gain; indices from 1, 0 is "none".
  const std::size_t n = gain.size();
  std::vector<double> row(n + 1), column(n + 1);
  std::vector<std::size_t> taken_by(n + 1), way(n + 1);
  for (std::size_t i = 1; i <= n; ++i) {
    taken_by[0] = i;
    std::size_t at = 0;
    std::vector<double> slack(n + 1, std::numeric_limits<double>::infinity());
    std::vector<bool> used(n + 1);
    do {
      used[at] = true;
      const std::size_t r = taken_by[at];
      double delta = std::numeric_limits<double>::infinity();
      std::size_t next = 0;
      for (std::size_t c = 1; c <= n; ++c) {
        if (used[c]) continue;
        const double reduced = -gain[r - 1][c - 1] - row[r] - column[c];
        if (reduced < slack[c]) slack[c] = reduced, way[c] = at;
        if (slack[c] < delta) delta = slack[c], next = c;
      }
      for (std::size_t c = 0; c <= n; ++c) {
        if (used[c])
          row[taken_by[c]] += delta, column[c] -= delta;
        else
          slack[c] -= delta;
      }
      at = next;
    } while (taken_by[at] != 0);
    for (; at != 0; at = way[at]) taken_by[at] = taken_by[way[at]];
  }
  std::vector<int64_t> chosen(n);
  for (std::size_t c = 1; c <= n; ++c) chosen[taken_by[c] - 1] = static_cast<int64_t>(c - 1);
  return chosen;
}

double cluster_accuracy(const Tensor& cluster, const Tensor& y) {
  const auto n = static_cast<std::size_t>(std::max(class_count(cluster), class_count(y)));
  std::vector<std::vector<double>> together(n, std::vector<double>(n));
  const Tensor a = cluster.contiguous(), b = y.contiguous();
  for (int64_t i = 0; i < y.numel(); ++i)
    ++together[static_cast<std::size_t>(a.data_ptr<int64_t>()[i])][static_cast<std::size_t>(b.data_ptr<int64_t>()[i])];
  const auto chosen = best_assignment(together);
  double right = 0;
  for (std::size_t i = 0; i < n; ++i) right += together[i][static_cast<std::size_t>(chosen[i])];
  return y.numel() == 0 ? 0 : right / static_cast<double>(y.numel());
}

Tensor to_pixels(const Tensor& x, const Normalization& rule) {
  const auto per_channel = [](const std::vector<float>& values) {
    return torch::tensor(values).view({1, static_cast<int64_t>(values.size()), 1, 1});
  };
  const Normalization pixels = pixel_scale(rule);
  return x * per_channel(pixels.deviation) + per_channel(pixels.mean);
}

Tensor reconstructed(Reconstructor& reconstructor, const Tensor& x) {
  const auto* method = dynamic_cast<const Method*>(&reconstructor);
  return reconstructor.reconstruct(method ? x.to(device_of(*method)) : x).cpu();
}

double reconstruction_error(Reconstructor& reconstructor, const ExampleStore& store,
                            const std::vector<int64_t>& indices, const Normalization& rule) {
  const Tensor errors = logits_of(
      [&](const Tensor& x) {
        return (reconstructed(reconstructor, x) - to_pixels(x, rule)).square().flatten(1).mean(1, /*keepdim=*/true);
      },
      store, indices, rule);
  return errors.to(torch::kDouble).mean().item<double>();
}

}  // namespace fewlabel
