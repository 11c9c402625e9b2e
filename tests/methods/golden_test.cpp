// The methods against the values of scripts/golden/methods.py (PyTorch, written from the papers apart from this code).
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>
#include <map>

#include "fewlabel/method.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

Tensor matrix(const Json& rows) {
  std::vector<Tensor> parts;
  for (const auto& row : rows) parts.push_back(torch::tensor(row.get<std::vector<double>>()).to(torch::kFloat));
  return torch::stack(parts);
}
Tensor whole_numbers(const Json& values) { return torch::tensor(values.get<std::vector<int64_t>>()); }
Tensor real_numbers(const Json& values) { return torch::tensor(values.get<std::vector<double>>()).to(torch::kFloat); }

Batch batch_of(const Json& json, const Needs& needs) {
  // A second draw of a view is called weak2, a third weak3.
  const auto views = [&](const std::vector<std::string>& names, const std::string& only) {
    std::map<std::string, int> draw;
    std::vector<Tensor> result;
    for (const auto& wanted : names) {
      const std::string name = only.empty() ? wanted : only;
      const int number = ++draw[name];
      result.push_back(matrix(json.at(number == 1 ? name : name + std::to_string(number))));
    }
    return result;
  };
  Batch batch;
  batch.labeled = {views(needs.labeled, "x"), whole_numbers(json.at("y")), torch::arange(3)};
  batch.unlabeled.x = views(needs.unlabeled, "");
  batch.unlabeled.index = whole_numbers(json.at("index"));
  batch.unlabeled.y = torch::full_like(batch.unlabeled.index, -1);
  return batch;
}

/// Logits are the input times one weight a class.
struct GoldenNet {
  virtual ~GoldenNet() = default;
  virtual Net net() = 0;
  virtual Batch shaped(Batch batch) { return batch; }
  virtual void set(const Tensor& scale) = 0;
  virtual Tensor gradient() = 0;
};

struct Echo final : GoldenNet {
  explicit Echo(int64_t classes) : echo(std::make_shared<EchoNet>(classes)) {}
  Net net() override { return echo; }
  void set(const Tensor& scale) override {
    const torch::NoGradGuard no_grad;
    echo->scale.copy_(scale);
    echo->scale.mutable_grad().reset();
  }
  Tensor gradient() override { return echo->scale.grad(); }
  std::shared_ptr<EchoNet> echo;
};

/// For methods that copy their net, which wants one that make_net builds: the inputs are the first pixels of an image.
struct Diagonal final : GoldenNet {
  explicit Diagonal(int64_t count) : classes(count) {
    linear = make_net({.name = "linear", .bn_momentum = {}}, ImageShape{8, 8, 1}, classes, 1);
  }
  Net net() override { return linear; }
  Batch shaped(Batch batch) override {
    for (auto* views : {&batch.labeled, &batch.unlabeled})
      for (Tensor& x : views->x) x = torch::constant_pad_nd(x, {0, 64 - classes}).view({x.size(0), 1, 8, 8});
    return batch;
  }
  void set(const Tensor& scale) override {
    const torch::NoGradGuard no_grad;
    Tensor weight = linear->parameters()[0];
    weight.zero_();
    weight.slice(1, 0, classes).diagonal().copy_(scale);
    weight.mutable_grad().reset();
  }
  Tensor gradient() override { return linear->parameters()[0].grad().slice(1, 0, classes).diagonal(); }
  int64_t classes;
  Net linear;
};

class Golden : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Methods, Golden,
                         ::testing::Values("supervised", "pseudo_label", "pi_model", "mean_teacher", "vat", "mixmatch",
                                           "uda", "fixmatch", "flexmatch", "freematch", "softmatch", "adamatch",
                                           "simmatch"),
                         [](const auto& info) { return info.param; });

TEST_P(Golden, ProducesPyTorchValues) {
  std::ifstream file(std::string(FEWLABEL_GOLDEN) + "/" + GetParam() + ".json");
  const Json golden = Json::parse(file);
  const int64_t classes = golden.at("classes");
  const Task task{.layout = ImageShape{8, 8, 1},
                  .classes = classes,
                  .labeled = golden.at("labeled"),
                  .unlabeled = golden.at("unlabeled"),
                  .class_share = golden.at("class_share").get<std::vector<double>>(),
                  .steps = 4};
  for (const auto& test : golden.at("cases")) {
    for (const std::string way : {"separate", "together", "kept"}) {
      Json config = test.at("config");
      const Json fields = find_method(GetParam()).resolve(config);
      const bool paired = fields.contains("weak_forward");
      if (way == "kept" && !fields.contains("strong_forward")) continue;
      if (paired) config[way == "kept" ? "strong_forward" : "weak_forward"] = way;
      std::unique_ptr<GoldenNet> net = std::make_unique<Echo>(classes);
      if (GetParam() == "mean_teacher") net = std::make_unique<Diagonal>(classes);
      net->set(torch::ones({classes}));
      const auto method = find_method(GetParam()).make(config, task, net->net());
      {
        const torch::NoGradGuard no_grad;  // layers of the method itself
        for (auto& item : method->named_parameters())
          if (!item.key().starts_with("net.") && item.value().requires_grad())
            item.value().copy_(pattern(item.value().sizes()));
      }
      double done = 0.0;
      const auto count = static_cast<double>(test.at("steps").size());
      for (const auto& step : test.at("steps")) {
        SCOPED_TRACE(config.dump() + " at step " + std::to_string(static_cast<int>(done)));
        RecordingStep record;
        net->set(step.contains("scale") ? real_numbers(step.at("scale")) : torch::ones({classes}));
        torch::manual_seed(1000 + static_cast<uint64_t>(done));
        method->learn(net->shaped(batch_of(step.at("batch"), method->needs())), record);
        method->updated(++done / count);

        const Json& expected = step.at("expected");
        EXPECT_NEAR(record.losses.at(0), expected.at("loss").get<double>(), 2e-5);
        EXPECT_TRUE(torch::allclose(net->gradient(), real_numbers(step.at("gradient")), 1e-4, 2e-5))
            << net->gradient() << real_numbers(step.at("gradient"));
        if (expected.contains("mask")) {
          EXPECT_TRUE(torch::allclose(record.kept, real_numbers(expected.at("mask")), 1e-4, 1e-6));
          EXPECT_TRUE(torch::equal(record.label, whole_numbers(expected.at("label"))));
        }
        if (expected.contains("threshold_min")) {
          EXPECT_NEAR(record.logged.at("threshold/min"), expected.at("threshold_min").get<double>(), 1e-6);
          EXPECT_NEAR(record.logged.at("threshold/mean"), expected.at("threshold_mean").get<double>(), 1e-6);
        }
        if (expected.contains("loss_in")) {
          EXPECT_NEAR(record.logged.at("loss/in"), expected.at("loss_in").get<double>(), 1e-5);
        }
        if (expected.contains("loss_f")) {
          EXPECT_NEAR(record.logged.at("loss/f"), expected.at("loss_f").get<double>(), 1e-5);
        }
      }
      if (!paired) break;
    }
  }
}

}  // namespace
}  // namespace fewlabel::testing
