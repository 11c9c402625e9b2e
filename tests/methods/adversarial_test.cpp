// The adversarial methods: their losses against the values of scripts/golden/adversarial.py, and the order and the
// players of their games.
#include "methods/common/adversarial.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "methods/common/losses.h"
#include "methods/common/pixels.h"
#include "methods/toy.h"
#include "nets/gan.h"

namespace fewlabel::testing {
namespace {

Tensor tensor_of(const Json& json) {
  if (json.empty() || !json.at(0).is_array()) return torch::tensor(json.get<std::vector<double>>()).to(torch::kFloat);
  std::vector<Tensor> rows;
  for (const auto& row : json) rows.push_back(tensor_of(row));
  return torch::stack(rows);
}

/// The loss of a golden case, by its name.
Tensor loss_of(const Json& test, std::map<std::string, Tensor>& in) {
  const std::string name = test.at("loss"), kind = test.at("config").value("loss", "logistic");
  if (name == "discriminator") return discriminator_loss(in["real"], in["fake"], kind);
  if (name == "generator") return generator_loss(in["fake"], kind);
  if (name == "implicit_class") return discriminator_loss(real_logit(in["real"]), real_logit(in["fake"])) / 2;
  if (name == "feature_matching") return feature_matching(in["real"], in["fake"]);
  if (name == "pull_away") return pull_away(in["features"]);
  if (name == "entropy") return conditional_entropy(in["logits"]);
  const Tensor x = in["x"].requires_grad_();
  return gradient_penalty(torch::tanh(in["w"] * x).sum(1), x);
}

class AdversarialGolden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, AdversarialGolden,
                         ::testing::Values("gan", "bigan", "adversarial_autoencoder", "improved_gan", "triple_gan",
                                           "bad_gan"),
                         [](const auto& info) { return info.param; });

TEST_P(AdversarialGolden, LossesArePyTorchs) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  for (const auto& test : golden.at("cases")) {
    SCOPED_TRACE(test.at("loss").get<std::string>() + test.at("config").dump());
    std::map<std::string, Tensor> inputs;
    for (const auto& [key, value] : test.at("inputs").items()) {
      inputs[key] = tensor_of(value);
      inputs[key].set_requires_grad(test.at("gradients").contains(key));
    }
    const Tensor loss = loss_of(test, inputs);
    EXPECT_NEAR(loss.item<double>(), test.at("expected").get<double>(), 2e-5);
    loss.backward();
    for (const auto& [key, value] : test.at("gradients").items())
      EXPECT_TRUE(torch::allclose(inputs[key].grad(), tensor_of(value), 1e-4, 2e-5)) << key << inputs[key].grad();
  }
}

TEST(AdversarialLosses, AreFiniteWhereDIsSure) {
  const Tensor sure = torch::full({2}, 200.0).requires_grad_();
  for (const char* kind : {"logistic", "hinge"}) {
    EXPECT_TRUE(std::isfinite(discriminator_loss(-sure, sure, kind).item<double>()));
    const Tensor loss = generator_loss(-sure, kind);  // the saturating loss would have no gradient here
    EXPECT_NEAR(torch::autograd::grad({loss}, {sure})[0].sum().item<double>(), 1.0, 1e-6);
  }
}

TEST(Codes, DependOnSeedAndPlaceAlone) {
  const Tensor few = request_codes({.count = 3, .seed = 5}, 7, torch::kCPU);
  const Tensor many = request_codes({.count = 2000, .seed = 5}, 7, torch::kCPU);
  EXPECT_TRUE(torch::equal(few, many.slice(0, 0, 3)));
  EXPECT_NEAR(many.mean().item<double>(), 0.0, 0.03);
  EXPECT_NEAR(many.std().item<double>(), 1.0, 0.03);
  EXPECT_TRUE(torch::equal(request_labels({.count = 5}, 3, torch::kCPU), torch::tensor({0, 1, 2, 0, 1})));
  EXPECT_TRUE(torch::equal(request_labels({.count = 2, .label = 2}, 3, torch::kCPU), torch::tensor({2, 2})));
}

template <typename Holder>
typename Holder::ContainedType& child(Method& method, const std::string& name) {
  return *method.named_children()[name]->as<Holder>();
}

std::unique_ptr<Method> made(const std::string& name, const Json& config = Json::object()) {
  const MethodInfo& info = find_method(name);
  return info.make(config, Toy::task_for(info), Toy::net_for(info));
}

TEST(Gan, PlaysTheFormula) {
  for (const char* regularizer : {"none", "r1"}) {
    const auto method = made("gan", {{"regularizer", regularizer}, {"gamma", 3.0}, {"width", 8}});
    const Batch batch = Toy::batch(method->needs(), 0);
    RecordingStep step;
    torch::manual_seed(9);
    method->learn(batch, step);

    torch::manual_seed(9);
    const Tensor x = batch.unlabeled.x.at(0).clone().requires_grad_(), z = torch::randn({x.size(0), 64});
    auto& discriminator = child<Discriminator>(*method, "discriminator");
    auto& pixels = child<Pixels>(*method, "pixels");
    const Tensor fake = pixels.from_pixels(child<Generator>(*method, "generator").forward(z));
    const Tensor d_x = torch::sigmoid(discriminator.forward(x)), d_fake = torch::sigmoid(discriminator.forward(fake));
    double value = d_x.log().mean().item<double>() + (1 - d_fake).log().mean().item<double>();
    if (std::string(regularizer) == "r1") {
      double square = 0;  // one example at a time
      for (int64_t i = 0; i < x.size(0); ++i) {
        const Tensor one = x.detach().slice(0, i, i + 1).clone().requires_grad_();
        square += torch::autograd::grad({discriminator.forward(one).sum()}, {one})[0].square().sum().item<double>();
      }
      value -= 3.0 / 2 * square / static_cast<double>(x.size(0));
    }
    ASSERT_EQ(step.groups, (std::vector<std::string>{"discriminator", "generator"}));
    EXPECT_NEAR(step.losses[0], -value, 1e-4);
    EXPECT_NEAR(step.losses[1], -d_fake.log().mean().item<double>(), 1e-4);  // nothing moved in between
  }
}

TEST(Bigan, ExchangesTheLabelsOfThePairs) {
  const auto method = made("bigan", {{"spectral_norm", false}, {"width", 8}, {"latent", 6}});
  method->eval();  // so that the net's batch norm, where it has one, is the same in both passes
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep step;
  torch::manual_seed(9);
  method->learn(batch, step);

  torch::manual_seed(9);
  const Tensor& x = batch.unlabeled.x.at(0);
  const Tensor z = torch::randn({x.size(0), 6});
  auto& discriminator = child<Discriminator>(*method, "discriminator");
  const Tensor fake = child<Pixels>(*method, "pixels").from_pixels(child<Generator>(*method, "generator").forward(z));
  const Tensor code =
      method->named_children()["code"]->as<torch::nn::Linear>()->forward(dynamic_cast<Encoder&>(*method).features(x));
  const Tensor d_e = torch::sigmoid(discriminator.forward(x, code)),
               d_g = torch::sigmoid(discriminator.forward(fake, z));
  ASSERT_EQ(step.groups, (std::vector<std::string>{"discriminator", "encoder", "generator"}));
  EXPECT_NEAR(step.losses[0], -(d_e.log().mean() + (1 - d_g).log().mean()).item<double>(), 1e-4);
  EXPECT_NEAR(step.losses[1], -(1 - d_e).log().mean().item<double>(), 1e-4);
  EXPECT_NEAR(step.losses[2], -d_g.log().mean().item<double>(), 1e-4);
}

TEST(Bigan, GivesCodesTheMeanAndVarianceOfThePrior) {
  const auto method = made("bigan", {{"width", 8}, {"latent", 6}});
  RecordingStep step;
  method->learn(Toy::batch(method->needs(), 0), step);
  EXPECT_LT(step.embedded.mean(0).abs().max().item<double>(), 1e-4);
  EXPECT_LT((step.embedded.var(0, /*unbiased=*/false) - 1).abs().max().item<double>(), 1e-2);
}

TEST(AdversarialAutoencoder, RebuildsWhileItsCodesLookLikeThePrior) {
  const auto method = made("adversarial_autoencoder", {{"lambda_adversarial", 0.5}, {"width", 8}, {"latent", 6}});
  method->eval();
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep step;
  torch::manual_seed(9);
  method->learn(batch, step);
  ASSERT_EQ(step.groups, (std::vector<std::string>{"discriminator", "autoencoder"}));
  const Tensor& x = batch.unlabeled.x.at(0);
  const Tensor rebuilt = dynamic_cast<Reconstructor&>(*method).reconstruct(x);
  double square = 0;
  for (int64_t i = 0; i < x.size(0); ++i)
    square +=
        (rebuilt[i] - (x[i] * 0.2 + 0.25).clamp(0, 1)).square().mean().item<double>() / static_cast<double>(x.size(0));
  EXPECT_NEAR(step.losses[1], square + 0.5 * step.logged.at("loss/adversarial"), 1e-5);
  // The discriminator's two sides: the prior first.
  torch::manual_seed(9);
  auto& score = *method->named_children()["discriminator"]->as<torch::nn::Sequential>();
  const Tensor prior = torch::sigmoid(score.forward(torch::randn({x.size(0), 6})));
  const Tensor code =
      method->named_children()["code"]->as<torch::nn::Linear>()->forward(dynamic_cast<Encoder&>(*method).features(x));
  const Tensor own = torch::sigmoid(score.forward(code));
  EXPECT_NEAR(step.losses[0], -(prior.log().mean() + (1 - own).log().mean()).item<double>(), 1e-4);
  EXPECT_NEAR(step.logged.at("loss/adversarial"), -own.log().mean().item<double>(), 1e-4);
}

/// A method over a net whose features are the pixels and whose logits are the pixels times a weight a class.
struct OverEcho {
  explicit OverEcho(const std::string& name, Json config) {
    config["width"] = 8;
    Task task = Toy::task();
    task.classes = 64;
    task.class_share.assign(64, 1.0 / 64);
    net = std::make_shared<EchoNet>(64);
    method = find_method(name).make(config, task, net);
    batch = Toy::batch(method->needs(), 0);
    torch::manual_seed(9);
    method->learn(batch, step);
    torch::manual_seed(9);
    auto& generator = child<Generator>(*method, "generator");
    const Tensor z = torch::randn({batch.unlabeled.x[0].size(0), 64});
    fake = child<Pixels>(*method, "pixels").from_pixels(generator.forward(z)).detach();
  }
  /// log p(class ≤ K | row) and log p(class K + 1 | row) of K + 1 logits, the last 0, averaged.
  static std::pair<double, double> real_and_fake(const Tensor& logits) {
    double real = 0, fake = 0;
    const auto n = static_cast<double>(logits.size(0));
    for (int64_t i = 0; i < logits.size(0); ++i) {
      const Tensor p = torch::softmax(torch::cat({logits[i], torch::zeros({1})}).to(torch::kDouble), 0);
      fake += std::log(p[-1].item<double>()) / n;
      real += std::log(p.slice(0, 0, -1).sum().item<double>()) / n;
    }
    return {real, fake};
  }

  std::shared_ptr<EchoNet> net;
  std::unique_ptr<Method> method;
  Batch batch;
  RecordingStep step;
  Tensor fake;
};

TEST(ImprovedGan, HasAnImplicitClassOfFakesAndMatchesFeatures) {
  OverEcho run("improved_gan", {{"lambda_u", 0.7}});
  const Tensor x_l = run.batch.labeled.x[0].flatten(1), x_u = run.batch.unlabeled.x[0].flatten(1),
               g = run.fake.flatten(1);
  const double loss_s = cross_entropy(x_l, run.batch.labeled.y).item<double>();
  const double loss_u = -0.5 * OverEcho::real_and_fake(x_u).first - 0.5 * OverEcho::real_and_fake(g).second;
  ASSERT_EQ(run.step.groups, (std::vector<std::string>{"discriminator", "generator"}));
  EXPECT_NEAR(run.step.losses[0], loss_s + 0.7 * loss_u, 1e-4);
  EXPECT_NEAR(run.step.losses[1], (x_u.mean(0) - g.mean(0)).square().mean().item<double>(), 1e-5);
}

TEST(BadGan, AddsEntropyAndThePullAwayTerm) {
  OverEcho run("bad_gan", {{"lambda_entropy", 0.3}, {"lambda_pull_away", 0.6}});
  const Tensor x_l = run.batch.labeled.x[0].flatten(1), x_u = run.batch.unlabeled.x[0].flatten(1),
               g = run.fake.flatten(1);
  const double loss_s = cross_entropy(x_l, run.batch.labeled.y).item<double>();
  const double loss_u = -0.5 * OverEcho::real_and_fake(x_u).first - 0.5 * OverEcho::real_and_fake(g).second;
  const Tensor p = torch::softmax(x_u, 1);
  EXPECT_NEAR(run.step.losses[0], loss_s + loss_u - 0.3 * (p * p.log()).sum(1).mean().item<double>(), 1e-4);
  double alike = 0;
  const int64_t n = g.size(0);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      if (i != j)
        alike += std::pow(torch::cosine_similarity(g[i], g[j], 0).item<double>(), 2) / static_cast<double>(n * (n - 1));
  EXPECT_NEAR(run.step.losses[1], (x_u.mean(0) - g.mean(0)).abs().mean().item<double>() + 0.6 * alike, 1e-4);
}

TEST(TripleGan, PlaysTheThreeGamesOfTheFormula) {
  const double alpha = 0.4, alpha_p = 0.2, alpha_c = 0.3, w_h = 0.25, w_b = 0.1;
  Task task = Toy::task();
  task.classes = 64;
  task.class_share.clear();
  for (int64_t k = 1; k <= 64; ++k) task.class_share.push_back(static_cast<double>(k) / (64 * 65 / 2));
  const Json config = {{"alpha", alpha}, {"alpha_p", alpha_p}, {"start", 0.0}, {"alpha_c", alpha_c},
                       {"entropy", w_h}, {"balance", w_b},     {"latent", 6},  {"width", 8}};
  const auto method = find_method("triple_gan").make(config, task, std::make_shared<EchoNet>(64));
  method->eval();  // so that spectral norm is the same in all passes
  const Batch batch = Toy::batch(method->needs(), 0);
  RecordingStep step;
  torch::manual_seed(9);
  method->learn(batch, step);

  // The same draws: classes for the generator, then codes. Logits are the pixels, so C's answers are at hand.
  const torch::NoGradGuard no_grad;
  torch::manual_seed(9);
  const Tensor &x_l = batch.labeled.x[0], &y_l = batch.labeled.y, &x_u = batch.unlabeled.x[0];
  const int64_t l = x_l.size(0), u = x_u.size(0);
  const Tensor y_g = torch::multinomial(method->named_buffers()["share"], u, /*replacement=*/true);
  const Tensor z = torch::randn({u, 6});
  const Tensor x_g =
      child<Pixels>(*method, "pixels").from_pixels(child<Generator>(*method, "generator").forward(z, y_g));
  const Tensor y_u = x_u.flatten(1).argmax(1);
  const auto judge = [&](const Tensor& x, const Tensor& y) {
    return torch::sigmoid(child<Discriminator>(*method, "discriminator").forward(x, y).to(torch::kDouble));
  };
  const auto log_p = [](const Tensor& x, int64_t i, const Tensor& y) {
    return std::log(torch::softmax(x[i].flatten().to(torch::kDouble), 0)[y[i].item<int64_t>()].item<double>());
  };
  const Tensor d_l = judge(x_l, y_l), d_u = judge(x_u, y_u), d_g = judge(x_g, y_g);

  // Half of the pairs (x_u, y_u) are real ones to D, the other half C's.
  double real = 0, by_c = 0, by_g = 0, fooled = 0, own_game = 0, unsure = 0, learnt = 0, taught = 0;
  std::vector<double> mean(64);
  for (int64_t i = 0; i < l; ++i) {
    real += std::log(d_l[i].item<double>());
    learnt -= log_p(x_l, i, y_l) / static_cast<double>(l);
  }
  for (int64_t i = 0; i < u; ++i) {
    const double d = d_u[i].item<double>(), g = d_g[i].item<double>();
    if (i < u / 2)
      real += std::log(d);
    else
      by_c += std::log(1 - d) / static_cast<double>(u - u / 2);
    by_g += std::log(1 - g) / static_cast<double>(u);
    fooled += std::log(g) / static_cast<double>(u);
    own_game -= std::exp(log_p(x_u, i, y_u)) * std::log(d) / static_cast<double>(u);
    taught -= log_p(x_g, i, y_g) / static_cast<double>(u);
    for (int64_t k = 0; k < 64; ++k) {
      const double log_p_k = log_p(x_u, i, torch::full({u}, k, torch::kLong)), p_k = std::exp(log_p_k);
      unsure -= p_k * log_p_k / static_cast<double>(u);
      mean[static_cast<std::size_t>(k)] += p_k / static_cast<double>(u);
    }
  }
  double unbalanced = 0;
  for (std::size_t k = 0; k < 64; ++k) unbalanced -= task.class_share[k] * std::log(mean[k]);
  ASSERT_EQ(step.groups, (std::vector<std::string>{"discriminator", "classifier", "generator"}));
  EXPECT_NEAR(step.losses[0], -real / static_cast<double>(l + u / 2) - alpha * by_c - (1 - alpha) * by_g, 1e-4);
  EXPECT_NEAR(step.losses[1], learnt + alpha_p * taught + alpha_c * alpha * own_game + w_h * unsure + w_b * unbalanced,
              1e-4);
  EXPECT_NEAR(step.losses[2], -(1 - alpha) * fooled, 1e-4);
}

TEST(SemiSupervisedGans, KeepTheRunningStatisticsOfRealExamples) {
  for (const char* name : {"improved_gan", "bad_gan", "triple_gan"}) {
    const auto method = find_method(name).make(Json{{"width", 8}}, Toy::task(), Toy::net("cnn"));
    method->train();
    RecordingStep step;
    method->learn(Toy::batch(method->needs(), 0), step);
    // One pass of real examples; those of generated ones must not count.
    for (const auto& item : method->named_buffers()) {
      if (!item.key().starts_with("net.") || !item.key().ends_with("num_batches_tracked")) continue;
      EXPECT_EQ(item.value().item<int64_t>(), 1) << name << ' ' << item.key();
    }
  }
}

TEST(TripleGan, LetsTheGeneratorTeachOnlyAfterItsStart) {
  const auto method = made("triple_gan", {{"start", 0.5}, {"alpha_p", 0.2}, {"width", 8}});
  const auto weight = [&] { return method->named_buffers()["weight_p"].item<double>(); };
  EXPECT_EQ(weight(), 0.0);
  method->updated(0.4);
  EXPECT_EQ(weight(), 0.0);
  method->updated(0.5);
  EXPECT_NEAR(weight(), 0.2, 1e-6);
}

TEST(TripleGan, GradientsOfTheThreePlayersStayApart) {
  const auto method = made("triple_gan", {{"start", 0.0}, {"width", 8}});
  RecordingStep step;
  method->learn(Toy::batch(method->needs(), 0), step);
  EXPECT_EQ(step.groups, (std::vector<std::string>{"discriminator", "classifier", "generator"}));
  auto* sampler = dynamic_cast<Sampler*>(method.get());
  ASSERT_TRUE(sampler->conditional());
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(torch::equal(sampler->sample({.count = 2, .label = 0, .seed = 3}),
                            sampler->sample({.count = 2, .label = 1, .seed = 3})));
}

}  // namespace
}  // namespace fewlabel::testing
