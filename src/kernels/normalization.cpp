#include "kernels/normalization.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "kernels/convolution.h"
#include "kernels/normalize.h"

namespace fewlabel::kernels {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kLayout = at::MemoryFormat::ChannelsLast;
constexpr int64_t kRows = 256;  // summed in fp32 before they are added up in fp64

float* data(const Tensor& tensor) { return tensor.data_ptr<float>(); }
float narrow(double value) { return static_cast<float>(value); }

Tensor activated(const Tensor& z, double leak) {
  if (leak == 1) return z;
  return leak == 0 ? torch::relu(z) : torch::leaky_relu(z, leak);
}

/// Rows of a channels-last tensor, in runs of kRows.
struct Runs {
  explicit Runs(const Tensor& x)
      : rows(x.size(0) * x.size(2) * x.size(3)),
        channels(x.size(1)),
        storage(x.scalar_type() == at::kBFloat16 ? normalize::Storage::bf16 : normalize::Storage::fp32) {}
  int64_t count() const { return (rows + kRows - 1) / kRows; }
  normalize::Rows of(int64_t run) const { return {std::min(kRows, rows - run * kRows), channels, storage}; }
  /// Where a run starts in a tensor like x; null for one that is not there.
  void* start(const Tensor& tensor, int64_t run) const {
    if (!tensor.defined()) return nullptr;
    const auto width = static_cast<int64_t>(tensor.element_size());
    return static_cast<char*>(tensor.data_ptr()) + run * kRows * channels * width;
  }
  template <typename F>
  void for_each(const F& f) const {
    at::parallel_for(0, count(), std::max<int64_t>(16384 / (kRows * channels), 1), [&](int64_t begin, int64_t end) {
      for (int64_t run = begin; run < end; ++run) f(run);
    });
  }
  /// Adds up two sums a channel over the runs, in their order. sums(run, a, b) fills those of one run.
  template <typename F>
  std::vector<double> totals(const F& sums) const {
    const Tensor parts = at::empty({count(), 2 * channels}, at::kFloat);
    for_each([&](int64_t run) {
      float* part = data(parts) + run * 2 * channels;
      sums(run, part, part + channels);
    });
    std::vector<double> all(static_cast<std::size_t>(2 * channels));
    for (int64_t run = 0; run < count(); ++run) {
      const float* part = data(parts) + run * 2 * channels;
      for (std::size_t c = 0; c < all.size(); ++c) all[c] += part[c];
    }
    return all;
  }
  int64_t rows, channels;
  normalize::Storage storage;
};

/// Per channel: mean, 1 / √(variance + eps), and the affine map they make of scale and shift.
struct Statistics {
  explicit Statistics(int64_t channels) : table(at::empty({4, channels}, at::kFloat)), channels(channels) {}
  explicit Statistics(const Tensor& kept) : table(kept), channels(kept.size(1)) {}
  float* mean() const { return data(table); }
  float* inverse() const { return data(table) + channels; }
  float* scale() const { return data(table) + 2 * channels; }
  float* shift() const { return data(table) + 3 * channels; }
  normalize::Affine affine(double leak) const { return {scale(), shift(), narrow(leak)}; }
  void set(int64_t c, double mean_of, double variance, double eps, float weight, float bias) const {
    mean()[c] = narrow(mean_of);
    const double factor = 1 / std::sqrt(variance + eps);
    inverse()[c] = narrow(factor);
    scale()[c] = narrow(weight * factor);
    shift()[c] = narrow(bias - mean_of * weight * factor);
  }
  Tensor table;
  int64_t channels;
};

struct Norm {
  Tensor running_mean, running_var;
  double momentum, eps, leak;
};

/// Of this batch; moves the running statistics.
Statistics measured(const Tensor& x, const Tensor& weight, const Tensor& bias, const Norm& norm) {
  const Runs runs(x);
  const Statistics statistics(runs.channels);
  // Sums of the distance to some value of each channel: squares of the distance to zero would lose digits.
  const void* first = runs.start(x, 0);
  const Tensor origin = x.select(0, 0).select(1, 0).select(1, 0).to(at::kFloat).contiguous();
  const std::vector<double> sums = runs.totals([&](int64_t run, float* sum, float* square) {
    normalize::moments(runs.start(x, run), runs.of(run), first, sum, square);
  });
  const auto count = static_cast<double>(runs.rows);
  for (int64_t c = 0; c < runs.channels; ++c) {
    const double away = sums[static_cast<std::size_t>(c)] / count;
    const double square = sums[static_cast<std::size_t>(runs.channels + c)] / count;
    const double mean = data(origin)[c] + away, variance = std::max(square - away * away, 0.0);
    statistics.set(c, mean, variance, norm.eps, data(weight)[c], data(bias)[c]);
    float &running_mean = data(norm.running_mean)[c], &running_var = data(norm.running_var)[c];
    running_mean = narrow((1 - norm.momentum) * running_mean + norm.momentum * mean);
    running_var = narrow((1 - norm.momentum) * running_var + norm.momentum * variance * count / (count - 1));
  }
  return statistics;
}

Tensor applied(const Tensor& x, const Statistics& statistics, double leak, const Tensor& residual) {
  const Runs runs(x);
  const Tensor y = at::empty_like(x);
  runs.for_each([&](int64_t run) {
    normalize::apply(runs.start(x, run), runs.of(run), statistics.affine(leak), runs.start(residual, run),
                     runs.start(y, run));
  });
  return y;
}

struct BatchNorm : torch::autograd::Function<BatchNorm> {
  static Tensor forward(AutogradContext* ctx, const Tensor& given, const Tensor& weight, const Tensor& bias,
                        const c10::optional<Tensor>& residual, const Norm* norm) {
    const Tensor x = given.contiguous(kLayout), add = residual ? residual->contiguous(kLayout) : Tensor();
    const Statistics statistics = measured(x, weight, bias, *norm);
    const Tensor y = applied(x, statistics, norm->leak, add);
    const bool from_y = add.defined() && norm->leak != 1;  // the sign inside f cannot be computed from x alone
    ctx->save_for_backward({x, weight, bias, from_y ? y : Tensor(), statistics.table});
    ctx->saved_data["leak"] = norm->leak;
    ctx->saved_data["eps"] = norm->eps;
    ctx->saved_data["residual"] = add.defined();
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &y = saved[3];
    const double leak = ctx->saved_data["leak"].toDouble();
    const bool residual = ctx->saved_data["residual"].toBool();
    const Statistics statistics(saved[4]);
    if (at::GradMode::is_enabled()) {  // somebody differentiates the gradient: libtorch knows how
      variable_list all = differentiable(saved, gradients[0], leak, ctx->saved_data["eps"].toDouble());
      if (!residual) all[3] = Tensor();
      return all;
    }

    const Tensor dy = gradients[0].contiguous(kLayout);
    const Runs runs(x);
    const Tensor g = residual && leak != 1 ? at::empty_like(x) : Tensor();
    const auto from = [&](int64_t run) {
      return normalize::Backward{runs.start(dy, run), runs.start(x, run), runs.start(y, run), runs.start(g, run)};
    };
    const normalize::Affine affine = statistics.affine(leak);
    const std::vector<double> sums = runs.totals([&](int64_t run, float* sum, float* product) {
      normalize::backward_sums(from(run), runs.of(run), affine, statistics.mean(), sum, product);
    });
    // dx = scale (g - mean(g) - x̂ mean(g x̂)) with x̂ = (x - mean) / σ.
    const Tensor dweight = at::empty_like(weight), dbias = at::empty_like(weight);
    const Tensor factors = at::empty({2, runs.channels}, at::kFloat);
    float *by_x = data(factors), *constant = by_x + runs.channels;
    const auto count = static_cast<double>(runs.rows);
    for (int64_t c = 0; c < runs.channels; ++c) {
      const double sum = sums[static_cast<std::size_t>(c)], inverse = statistics.inverse()[c];
      const double product = sums[static_cast<std::size_t>(runs.channels + c)] * inverse;
      data(dbias)[c] = narrow(sum);
      data(dweight)[c] = narrow(product);
      const double slope = -statistics.scale()[c] * inverse * product / count;
      by_x[c] = narrow(slope);
      constant[c] = narrow(-statistics.scale()[c] * sum / count - slope * statistics.mean()[c]);
    }
    Tensor dx;
    if (ctx->needs_input_grad(0)) {
      dx = at::empty_like(x);
      runs.for_each([&](int64_t run) {
        normalize::backward_apply(from(run), runs.of(run), affine, {by_x, constant}, runs.start(dx, run));
      });
    }
    return {dx, dweight, dbias, residual ? (g.defined() ? g : dy) : Tensor(), Tensor()};
  }

  static variable_list differentiable(const variable_list& saved, const Tensor& dy, double leak, double eps) {
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &y = saved[3];
    const Statistics statistics(saved[4]);
    const Tensor mean = saved[4][0], inverse = saved[4][1];
    const Tensor z = y.defined() ? y : torch::batch_norm(x, weight, bias, {}, {}, true, 0, eps, false);
    const Tensor g = leak == 1 ? dy : torch::where(z.detach().gt(0), dy, dy * leak);
    const auto [dx, dweight, dbias] =
        at::native_batch_norm_backward(g, x, weight, {}, {}, mean, inverse, true, eps, {true, true, true});
    return {dx, dweight, dbias, g, Tensor()};
  }
};

}  // namespace

Tensor normalise(const Tensor& x, const torch::nn::BatchNorm2d& layer, const AfterNorm& after) {
  const auto& options = layer->options;
  // The scalars stay in fp32 whatever x is kept as, as autocast has it too.
  const bool alike = !after.residual.defined() || after.residual.scalar_type() == x.scalar_type();
  const bool ours = (plain_float(x) || reduced_float(x)) && alike && layer->weight.scalar_type() == at::kFloat &&
                    x.dim() == 4 && x.size(1) % normalize::kStrip == 0 && x.size(0) * x.size(2) * x.size(3) > 1 &&
                    options.affine() && layer->running_mean.defined() && options.momentum().has_value();
  const bool training = layer->is_training();
  if (ours && training && (options.track_running_stats() || *options.momentum() == 0)) {
    // Momentum 0 without tracking is how the methods hold the statistics still.
    if (options.track_running_stats()) layer->num_batches_tracked.add_(1);
    const Norm norm{layer->running_mean, layer->running_var, *options.momentum(), options.eps(), after.leak};
    const Tensor& residual = after.residual;
    return BatchNorm::apply(x, layer->weight, layer->bias,
                            residual.defined() ? c10::make_optional(residual) : c10::nullopt, &norm);
  }
  if (ours && options.track_running_stats() && !at::GradMode::is_enabled()) {
    const Statistics statistics(x.size(1));
    for (int64_t c = 0; c < statistics.channels; ++c)
      statistics.set(c, data(layer->running_mean)[c], data(layer->running_var)[c], options.eps(),
                     data(layer->weight)[c], data(layer->bias)[c]);
    const Tensor& add = after.residual;
    return applied(x.contiguous(kLayout), statistics, after.leak, add.defined() ? add.contiguous(kLayout) : add);
  }
  const Tensor y = torch::nn::BatchNorm2d(layer)->forward(x);
  return activated(after.residual.defined() ? y + after.residual : y, after.leak);
}

}  // namespace fewlabel::kernels
