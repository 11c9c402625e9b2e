// The ladder network against the values of scripts/golden/ladder.py.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "fewlabel/method.h"
#include "methods/toy.h"

namespace fewlabel::testing {
namespace {

TEST(GoldenLadder, ProducesPyTorchValues) {
  std::ifstream file(FEWLABEL_GOLDEN "/ladder.json");
  const Json golden = Json::parse(file);
  const int64_t labeled = golden.at("labeled"), unlabeled = golden.at("unlabeled"), classes = golden.at("classes");
  const NetConfig config{.name = "ladder_mlp", .bn_momentum = {}};
  for (const auto& test : golden.at("cases")) {
    const Task task{.layout = ImageShape{8, 8, 1},
                    .classes = classes,
                    .class_share = {},
                    .mean = {0.25F},
                    .deviation = {test.at("deviation").get<float>()}};
    const auto method =
        find_method("ladder").make(test.at("config"), task, make_net(config, ImageShape{8, 8, 1}, classes, 1));
    method->train();
    {
      const torch::NoGradGuard no_grad;
      for (auto& item : method->named_parameters()) item.value().copy_(pattern(item.value().sizes()));
    }
    Batch batch;
    batch.labeled = {{(pattern({labeled, 64}) * 8 + 0.3).view({labeled, 1, 8, 8})},
                     torch::arange(labeled).remainder(classes),
                     torch::arange(labeled)};
    batch.unlabeled = {{(pattern({unlabeled + 3, 64}).slice(0, 3) * 8).reshape({unlabeled, 1, 8, 8})},
                       torch::full({unlabeled}, -1, torch::kLong),
                       torch::arange(unlabeled)};
    torch::manual_seed(test.at("seed").get<uint64_t>());
    RecordingStep step;
    method->learn(batch, step);
    const auto near = [](double found, double expected, double share) {
      EXPECT_NEAR(found, expected, share * std::abs(expected));
    };
    near(step.logged.at("loss/s"), test.at("loss_s"), 1e-4);
    near(step.logged.at("loss/u"), test.at("loss_u"), 1e-4);
    for (const auto& [name, norm] : test.at("gradient_norms").items()) {
      SCOPED_TRACE(name);
      near(method->named_parameters()[name].grad().norm().item<double>(), norm, 5e-3);
    }
  }
}

}  // namespace
}  // namespace fewlabel::testing
