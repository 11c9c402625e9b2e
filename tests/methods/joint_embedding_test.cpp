// The joint-embedding methods against the values of scripts/golden/joint_embedding.py (PyTorch, written from the papers
// apart from this code), their losses against slow and obvious oracles, and what is particular to each.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "methods/common/embedding_losses.h"
#include "methods/common/heads.h"
#include "methods/common/momentum.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

Tensor wave(int64_t count, double phase) {
  return torch::sin(0.7 * torch::arange(count, torch::kDouble) + phase).to(torch::kFloat);
}
Tensor some_rows(int64_t n, int64_t d, double phase) { return wave(n * d, phase).view({n, d}); }

double at(const Tensor& x, int64_t i, int64_t j) { return x[i][j].item<double>(); }

double dot(const Tensor& a, int64_t i, const Tensor& b, int64_t j) {
  double sum = 0;
  for (int64_t c = 0; c < a.size(1); ++c) sum += at(a, i, c) * at(b, j, c);
  return sum;
}
double cosine(const Tensor& a, int64_t i, const Tensor& b, int64_t j) {
  return dot(a, i, b, j) / std::sqrt(dot(a, i, a, i) * dot(b, j, b, j));
}

TEST(EmbeddingLosses, NtXentEqualsTheLoop) {
  const Tensor a = some_rows(4, 3, 0.1), b = some_rows(4, 3, 2.0);
  const auto view = [&](int64_t i) { return i < 4 ? std::pair{a, i} : std::pair{b, i - 4}; };
  const auto s = [&](int64_t i, int64_t j) {
    const auto [x, row] = view(i);
    const auto [y, column] = view(j);
    return std::exp(cosine(x, row, y, column) / 0.3);
  };
  double sum = 0;
  for (int64_t i = 0; i < 8; ++i) {
    double others = 0;
    for (int64_t k = 0; k < 8; ++k) others += k == i ? 0 : s(i, k);
    sum -= std::log(s(i, (i + 4) % 8) / others);
  }
  EXPECT_NEAR(nt_xent(a, b, 0.3).item<double>(), sum / 8, 1e-5);
}

TEST(EmbeddingLosses, InfoNceEqualsTheLoopAndMovesTheQueryAlone) {
  Tensor q = unit_rows(some_rows(4, 3, 0.1)).requires_grad_(), k = unit_rows(some_rows(4, 3, 2.0)).requires_grad_();
  Tensor queue = unit_rows(some_rows(5, 3, 4.0)).requires_grad_();
  double sum = 0;
  for (int64_t i = 0; i < 4; ++i) {
    double all = std::exp(dot(q, i, k, i) / 0.2);
    for (int64_t j = 0; j < 5; ++j) all += std::exp(dot(q, i, queue, j) / 0.2);
    sum -= std::log(std::exp(dot(q, i, k, i) / 0.2) / all);
  }
  const Tensor loss = info_nce(q, k, queue, 0.2);
  EXPECT_NEAR(loss.item<double>(), sum / 4, 1e-5);
  loss.backward();
  EXPECT_TRUE(q.grad().defined());
  EXPECT_FALSE(k.grad().defined() || queue.grad().defined());
}

TEST(EmbeddingLosses, NegativeCosineEqualsTheLoopAndStopsTheGradientOfTheTarget) {
  Tensor p = some_rows(4, 3, 0.1).requires_grad_(), z = some_rows(4, 3, 2.0).requires_grad_();
  double sum = 0;
  for (int64_t i = 0; i < 4; ++i) sum -= cosine(p, i, z, i);
  const Tensor loss = negative_cosine(p, z);
  EXPECT_NEAR(loss.item<double>(), sum / 4, 1e-6);
  loss.backward();
  EXPECT_TRUE(p.grad().defined());
  EXPECT_FALSE(z.grad().defined());
}

double mean_of(const Tensor& x, int64_t c) {
  double sum = 0;
  for (int64_t i = 0; i < x.size(0); ++i) sum += at(x, i, c);
  return sum / static_cast<double>(x.size(0));
}
/// The sum over rows of (x_c - mean) (y_d - mean).
double comoment(const Tensor& x, int64_t c, const Tensor& y, int64_t d) {
  double sum = 0;
  for (int64_t i = 0; i < x.size(0); ++i) sum += (at(x, i, c) - mean_of(x, c)) * (at(y, i, d) - mean_of(y, d));
  return sum;
}

TEST(EmbeddingLosses, BarlowTwinsEqualsTheLoop) {
  const Tensor a = 3.0 * some_rows(6, 4, 0.1) + 1.0, b = some_rows(6, 4, 2.0);
  double wanted = 0;
  for (int64_t i = 0; i < 4; ++i)
    for (int64_t j = 0; j < 4; ++j) {
      const double c = comoment(a, i, b, j) / std::sqrt(comoment(a, i, a, i) * comoment(b, j, b, j));
      wanted += i == j ? (1 - c) * (1 - c) : 0.1 * c * c;
    }
  EXPECT_NEAR(barlow_twins_loss(a, b, 0.1).item<double>(), wanted, 1e-3);  // 1e-5 is added to each variance
}

TEST(EmbeddingLosses, VicregTermsEqualTheLoop) {
  const Tensor a = 1.2 * some_rows(6, 4, 0.1), b = 0.5 * some_rows(6, 4, 2.0);
  double invariance = 0, variance = 0, covariance = 0;
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t c = 0; c < 4; ++c) invariance += std::pow(at(a, i, c) - at(b, i, c), 2) / 24;
  for (const Tensor& z : {a, b})
    for (int64_t c = 0; c < 4; ++c) {
      variance += std::max(0.0, 1 - std::sqrt(comoment(z, c, z, c) / 5 + 1e-4)) / 8;
      for (int64_t d = 0; d < 4; ++d) covariance += c == d ? 0 : std::pow(comoment(z, c, z, d) / 5, 2) / 4;
    }
  const VicregTerms terms = vicreg_terms(a, b);
  EXPECT_NEAR(terms.invariance.item<double>(), invariance, 1e-5);
  EXPECT_NEAR(terms.variance.item<double>(), variance, 1e-5);
  EXPECT_NEAR(terms.covariance.item<double>(), covariance, 1e-5);
}

TEST(EmbeddingLosses, SinkhornEqualsTheLoop) {
  const Tensor scores = some_rows(6, 3, 0.4);
  std::vector<std::vector<double>> q(6, std::vector<double>(3));
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t k = 0; k < 3; ++k) q[i][k] = std::exp(at(scores, i, k) / 0.25);
  for (int iteration = 0; iteration < 3; ++iteration) {
    for (int64_t k = 0; k < 3; ++k) {
      double sum = 0;
      for (int64_t i = 0; i < 6; ++i) sum += q[i][k];
      for (int64_t i = 0; i < 6; ++i) q[i][k] /= sum;
    }
    for (auto& row : q) {
      const double sum = row[0] + row[1] + row[2];
      for (double& value : row) value /= sum;
    }
  }
  const Tensor got = sinkhorn(scores, 0.25, 3);
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t k = 0; k < 3; ++k) EXPECT_NEAR(at(got, i, k), q[i][k], 1e-5);
}

TEST(EmbeddingLosses, SinkhornUsesAllPrototypesAlikeEvenWhereOneWinsEveryRow) {
  Tensor scores = 0.1 * some_rows(12, 3, 0.4);
  scores.select(1, 0) += 0.8;
  const Tensor q = sinkhorn(scores, 0.05, 50);
  EXPECT_TRUE(torch::allclose(q.sum(1), torch::ones({12}), 1e-5));
  EXPECT_TRUE(torch::allclose(q.sum(0), torch::full({3}, 4.0), 1e-2));
}

TEST(EmbeddingLosses, SwappedCrossEntropyPairsEveryTargetWithTheOtherViews) {
  const std::vector<Tensor> target = {torch::softmax(some_rows(4, 3, 0), 1), torch::softmax(some_rows(4, 3, 1), 1)};
  const std::vector<Tensor> logits = {some_rows(4, 3, 2), some_rows(4, 3, 3), some_rows(4, 3, 4)};
  double sum = 0;
  for (const auto& [i, j] : {std::pair{0, 1}, {0, 2}, {1, 0}, {1, 2}})
    for (int64_t n = 0; n < 4; ++n) {
      double all = 0;
      for (int64_t k = 0; k < 3; ++k) all += std::exp(at(logits[j], n, k));
      for (int64_t k = 0; k < 3; ++k) sum -= at(target[i], n, k) * std::log(std::exp(at(logits[j], n, k)) / all) / 4;
    }
  EXPECT_NEAR(swapped_cross_entropy(target, logits).item<double>(), sum / 4, 1e-5);
}

TEST(EmbeddingLosses, AreFp32UnderAutocast) {
  const Tensor a = some_rows(64, 32, 0.1), b = some_rows(64, 32, 2.0);
  const auto all = [&] {
    const VicregTerms terms = vicreg_terms(a, b);
    return std::vector<Tensor>{nt_xent(a, b, 0.1), info_nce(unit_rows(a), unit_rows(b), unit_rows(b + a), 0.1),
                               barlow_twins_loss(a, b, 0.1), terms.covariance};
  };
  const auto wanted = all();
  const Autocast autocast;
  const auto got = all();
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(torch::equal(got[i], wanted[i])) << i;
}

TEST(MlpHead, HasTheLayersOfItsPlanAndTheSameWeightsForTheSameKey) {
  const HeadPlan plan{.sizes = {5, 7, 3}, .norm_at_end = true};
  MlpHead head(plan, 1, "projector"), same(plan, 1, "projector"), other(plan, 1, "predictor");
  std::vector<std::string> names;
  for (const auto& item : head->named_parameters()) names.push_back(item.key());
  EXPECT_EQ(names,
            (std::vector<std::string>{"layers.0.weight", "layers.1.weight", "layers.1.bias", "layers.3.weight"}));
  EXPECT_TRUE(torch::equal(head->parameters()[0], same->parameters()[0]));
  EXPECT_FALSE(torch::equal(head->parameters()[0], other->parameters()[0]));
  const Tensor z = head->forward(some_rows(16, 5, 1.0));
  EXPECT_TRUE(torch::allclose(z.mean(0), torch::zeros({3}), 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(z.var(0, false), torch::ones({3}), 1e-2, 1e-2));
}

TEST(MlpHead, AFrozenCopySaysTheSameAndTakesNoGradient) {
  MlpHead head(HeadPlan{.sizes = {5, 7, 3}}, 1, "projector");
  const auto copy = head->frozen_copy();
  const Tensor x = some_rows(16, 5, 1.0);
  EXPECT_TRUE(torch::equal(head->forward(x), copy->forward(x)));
  for (const Tensor& parameter : copy->parameters()) EXPECT_FALSE(parameter.requires_grad());
  const torch::NoGradGuard no_grad;
  head->parameters()[0].add_(1.0);
  EXPECT_FALSE(torch::equal(head->forward(x), copy->forward(x)));
}

TEST(Momentum, FollowsParametersAndLeavesBuffersAlone) {
  MlpHead online(HeadPlan{.sizes = {2, 2, 2}}, 1, "a"), target(HeadPlan{.sizes = {2, 2, 2}}, 1, "b");
  const auto before = state_of(*target), goal = state_of(*online);
  online->named_buffers()["layers.1.running_mean"].fill_(7.0);
  follow(*target, *online, 0.75);
  for (const auto& [name, value] : state_of(*target))
    if (target->named_parameters().contains(name)) {
      EXPECT_TRUE(torch::allclose(value, 0.75 * before.at(name) + 0.25 * goal.at(name))) << name;
    } else {
      EXPECT_TRUE(torch::equal(value, before.at(name))) << name;
    }
}

TEST(Momentum, RisesFromItsStartToOne) {
  EXPECT_DOUBLE_EQ(rising_decay(0.9, 0.0), 0.9);
  EXPECT_NEAR(rising_decay(0.9, 0.5), 0.95, 1e-12);
  EXPECT_DOUBLE_EQ(rising_decay(0.9, 1.0), 1.0);
}

// What the golden script does, with the method itself.
Batch golden_batch(int64_t step, std::size_t views) {
  constexpr int64_t kCount = 6, kPixels = kCount * 64;
  Batch batch;
  const auto s = static_cast<double>(step);
  for (std::size_t v = 0; v < views; ++v) {
    const auto number = static_cast<double>(v);
    const Tensor noise = wave(kPixels, 11 + 7 * s + 3 * number) * wave(kPixels, 2.5 * number);
    batch.unlabeled.x.push_back((wave(kPixels, 0.3 + s) + 0.5 * noise).view({kCount, 1, 8, 8}));
  }
  batch.unlabeled.index = torch::arange(kCount);
  batch.unlabeled.y = torch::full({kCount}, -1, torch::kLong);
  return batch;
}

void set_golden_weights(Method& method) {
  const torch::NoGradGuard no_grad;
  double position = 0;
  for (auto& item : method.named_parameters()) {
    Tensor& parameter = item.value();
    Tensor values = wave(parameter.numel(), position++).view(parameter.sizes());
    if (parameter.dim() == 2)
      values = values * std::sqrt(2.0 / static_cast<double>(parameter.size(1)));
    else
      values = 0.1 * values + (item.key().ends_with("weight") ? 1.0 : 0.0);
    parameter.copy_(values);
  }
  for (auto& item : method.named_buffers())
    if (item.key() == "queue") {
      Tensor& queue = item.value();
      queue.copy_(unit_rows(wave(queue.numel(), 5.0).view(queue.sizes())));
    }
}

std::vector<std::string> joint_embedding_methods() {
  std::vector<std::string> names;
  for (const MethodInfo& info : all_methods())
    if (info.family == "self/joint_embedding" && info.takes(Kind::image)) names.push_back(info.name);
  return names;
}

class JointEmbedding : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, JointEmbedding, ::testing::ValuesIn(joint_embedding_methods()),
                         [](const auto& info) { return info.param; });

TEST_P(JointEmbedding, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  const MethodInfo& info = find_method(GetParam());
  for (const Json& test : golden.at("cases")) {
    const auto method = info.make(test.at("config"), Toy::task_for(info), Toy::net_for(info));
    set_golden_weights(*method);
    const Json& steps = test.at("steps");
    for (std::size_t t = 0; t < steps.size(); ++t) {
      SCOPED_TRACE(test.at("config").dump() + " at step " + std::to_string(t));
      for (auto& parameter : method->parameters()) parameter.mutable_grad().reset();
      RecordingStep record;
      method->learn(golden_batch(static_cast<int64_t>(t), method->needs().unlabeled.size()), record);
      const double loss = steps[t].at("loss");
      EXPECT_NEAR(record.losses.at(0), loss, 2e-4 * std::max(1.0, std::abs(loss)));
      std::size_t i = 0;
      for (const auto& item : method->named_parameters()) {
        if (!item.value().requires_grad()) continue;
        const double wanted = steps[t].at("gradients").at(i++);
        EXPECT_NEAR(item.value().grad().abs().sum().item<double>(), wanted, 5e-3 * wanted) << item.key();
      }
      EXPECT_EQ(i, steps[t].at("gradients").size());
      const torch::NoGradGuard no_grad;
      for (auto& parameter : method->parameters())
        if (parameter.requires_grad()) parameter.mul_(1.05);
      method->updated(static_cast<double>(t + 1) / static_cast<double>(steps.size()));
    }
  }
}

TEST_P(JointEmbedding, ShowsItsEmbeddingsAndTheyAreSpreadAtTheStart) {
  const MethodInfo& info = find_method(GetParam());
  const auto method = info.make(Json::object(), Toy::task_for(info), Toy::net_for(info, "cnn"));
  RecordingStep record;
  method->learn(Toy::batch(method->needs(), 0), record);
  ASSERT_TRUE(record.embedded.defined());
  EXPECT_EQ(record.embedded.dim(), 2);
  // Above what the trainer warns of, so that a warning means that training did it.
  EXPECT_GT(unit_rows(record.embedded).var(0, false).sum().sqrt().item<double>(), 0.1);
}

TEST_P(JointEmbedding, FeaturesAreThoseOfTheBackboneWithoutAHead) {
  const MethodInfo& info = find_method(GetParam());
  const Net net = Toy::net_for(info, "cnn");
  const auto method = info.make(Json::object(), Toy::task_for(info), net);
  method->eval();
  const torch::NoGradGuard no_grad;
  const Tensor x = Toy::test(5).x[0];
  auto* encoder = dynamic_cast<Encoder*>(method.get());
  ASSERT_TRUE(encoder);
  EXPECT_TRUE(torch::equal(encoder->features(x), net->features(x)));  // a teacher starts as a copy
}

TEST(Moco, TheQueueForgetsTheOldestKeys) {
  const MethodInfo& info = find_method("moco");
  const auto method = info.make(Json{{"queue", 96}}, Toy::task_for(info), Toy::net_for(info));
  const auto queue = [&] { return method->named_buffers()["queue"].clone(); };
  RecordingStep record;
  const Tensor start = queue();
  method->learn(Toy::batch(method->needs(), 0), record);  // 64 keys
  const Tensor first = queue();
  EXPECT_TRUE(torch::equal(first.slice(0, 64), start.slice(0, 64)));
  EXPECT_FALSE(torch::allclose(first.slice(0, 0, 64), start.slice(0, 0, 64)));
  EXPECT_TRUE(torch::allclose(first.norm(2, 1), torch::ones({96}), 1e-5));
  method->learn(Toy::batch(method->needs(), 1), record);  // 32 to the end, 32 from the start
  const Tensor second = queue();
  EXPECT_TRUE(torch::equal(second.slice(0, 32, 64), first.slice(0, 32, 64)));
  EXPECT_FALSE(torch::allclose(second.slice(0, 64), first.slice(0, 64)));
  EXPECT_FALSE(torch::allclose(second.slice(0, 0, 32), first.slice(0, 0, 32)));
}

TEST(MultiCrop, LocalViewsAreAskedForAndOnlyTheStudentSeesThem) {
  for (const char* name : {"swav", "dino"}) {
    const MethodInfo& info = find_method(name);
    const auto method =
        info.make(Json{{"local_views", 2}, {"local_scale", 0.2}}, Toy::task_for(info), Toy::net_for(info));
    const Needs needs = method->needs();
    const std::string local = "resized_crop(0.05..0.2)+color_jitter(0.5)";
    EXPECT_EQ(needs.unlabeled, (std::vector<std::string>{"contrast", "contrast", local, local}));
    RecordingStep record;
    method->learn(Toy::batch(needs, 0), record);
    EXPECT_EQ(record.embedded.size(0), 4 * Toy::kAlone) << name;
  }
}

TEST(Dino, TheTeachersTemperatureAndCentreAreSaved) {
  const MethodInfo& info = find_method("dino");
  const Json config{{"warm_temperature", 0.02}, {"teacher_temperature", 0.06}, {"warmup", 0.5}};
  const auto method = info.make(config, Toy::task_for(info), Toy::net_for(info));
  const auto buffer = [&](const char* name) { return method->named_buffers()[name].clone(); };
  RecordingStep record;
  method->learn(Toy::batch(method->needs(), 0), record);
  EXPECT_NEAR(buffer("temperature").item<double>(), 0.02, 1e-6);
  EXPECT_EQ(buffer("center.value").abs().max().item<double>(), 0.0);
  method->updated(0.25);
  EXPECT_NEAR(buffer("temperature").item<double>(), 0.04, 1e-6);
  EXPECT_GT(buffer("center.value").abs().max().item<double>(), 0.0);
  method->updated(0.9);
  EXPECT_NEAR(buffer("temperature").item<double>(), 0.06, 1e-6);
}

}  // namespace
}  // namespace fewlabel::testing
