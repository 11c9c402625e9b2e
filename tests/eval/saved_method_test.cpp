#include "eval/saved_method.h"

#include <gmock/gmock.h>

#include <fstream>

#include "core/files.h"
#include "eval/model.h"
#include "helpers.h"
#include "methods/toy.h"

namespace fewlabel {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::Toy;
using testing::ToyRule;
using testing::ToyTrainer;

MethodCard card_of(const MethodInfo& info) {
  MethodCard card;
  card.method = Json{{"name", info.name}};
  card.method.update(info.resolve(Json::object()));
  card.task = Toy::task_for(info);
  card.classes = {"left", "lower", "right"};
  card.data = "toy";
  return card;
}

/// A method after a few updates, with the folder it was saved to.
struct Saved {
  TemporaryFolder folder;
  std::unique_ptr<Method> method;
  Net net;

  explicit Saved(const MethodInfo& info) : net(Toy::net_for(info, "cnn")) {
    torch::set_num_threads(1);
    method = info.make(Json::object(), Toy::task_for(info), net);
    if (dynamic_cast<HeadLearner*>(method.get())) {  // learns from no batches; weights of its own will do
      const torch::NoGradGuard no_gradient;
      for (Tensor& parameter : method->parameters()) parameter.add_(0.01);
    } else {
      ToyTrainer(*method, ToyRule::of(info)).run(0, 3, 3);
    }
    method->eval();
    MethodCard card = card_of(info);
    card.net = net->blueprint().config;
    save_method(folder / "model", *method, card);
  }
};

class EverySavedMethod : public ::testing::TestWithParam<std::string> {};
std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& method : all_methods())
    if (method.takes(Kind::image)) result.push_back(method.name);
  return result;
}
INSTANTIATE_TEST_SUITE_P(Methods, EverySavedMethod, ::testing::ValuesIn(names()),
                         [](const auto& at) { return at.param; });

TEST_P(EverySavedMethod, ComesBackWithAllItRemembersAndAnswersAlike) {
  const MethodInfo& info = find_method(GetParam());
  const Saved saved(info);
  const LoadedMethod loaded = load_method(saved.folder.path());  // the run's folder will do as well as model/
  EXPECT_EQ(loaded.card.name(), info.name);
  EXPECT_EQ(loaded.card.classes.size(), 3u);
  EXPECT_EQ(loaded.card.task.unlabeled, Toy::kUnlabeled);
  const auto before = testing::state_of(*saved.method), after = testing::state_of(*loaded.method);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, value] : before) EXPECT_TRUE(torch::equal(value, after.at(name))) << name;

  const torch::NoGradGuard no_gradient;
  const Tensor x = Toy::test(20).x[0];
  const auto same = [](const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<float>() < 1e-5F; };
  if (auto* a = dynamic_cast<Classifier*>(saved.method.get())) {
    EXPECT_TRUE(same(a->logits(x), dynamic_cast<Classifier&>(*loaded.method).logits(x)));
    EXPECT_TRUE(same(a->logits(x), load_model(saved.folder / "model").net->forward(x)));
  }
  if (auto* a = dynamic_cast<Encoder*>(saved.method.get())) {
    EXPECT_TRUE(same(a->features(x), dynamic_cast<Encoder&>(*loaded.method).features(x)));
  }
  if (auto* a = dynamic_cast<Sampler*>(saved.method.get())) {
    const SampleRequest request{.count = 6, .label = -1, .seed = 3};
    EXPECT_TRUE(same(a->sample(request), dynamic_cast<Sampler&>(*loaded.method).sample(request)));
  }
}

TEST(SavedMethod, TheNetIsTheOneTheMethodTrained) {
  const Saved saved(find_method("supervised"));
  const LoadedMethod loaded = load_method(saved.folder / "model");
  ASSERT_TRUE(loaded.net);
  const auto mine = testing::state_of(*saved.net), other = testing::state_of(*loaded.net);
  for (const auto& [name, value] : mine) EXPECT_TRUE(torch::equal(value, other.at(name))) << name;
  for (const Tensor& parameter : loaded.method->parameters()) EXPECT_FALSE(parameter.requires_grad());
  EXPECT_FALSE(loaded.method->is_training());
}

TEST(SavedMethod, AnyFlippedBitIsRefusedWithTheFileNamed) {
  const Saved saved(find_method("supervised"));
  Random random({.seed = 2, .purpose = "test"});
  for (const std::string file : {"model/method.safetensors", "model/method.json"}) {
    const std::string content = read_file(saved.folder / file);
    for (int trial = 0; trial < 40; ++trial) {
      std::string flipped = content;
      const auto at = random.below(static_cast<uint32_t>(content.size()));
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
      if (file == "model/method.json" && Json::accept(flipped) && Json::parse(flipped) == Json::parse(content))
        continue;
      std::ofstream(saved.folder / file, std::ios::binary) << flipped;
      const auto error = error_of([&] { load_method(saved.folder.path()); });
      EXPECT_EQ(error.kind(), ErrorKind::storage) << file << " byte " << at << ": " << error.what();
      EXPECT_THAT(error.where(), HasSubstr(file)) << error.what();
    }
    std::ofstream(saved.folder / file, std::ios::binary) << content;
  }
  EXPECT_NO_THROW(load_method(saved.folder.path()));
}

TEST(SavedMethod, AFolderWithoutAMethodIsAUsageError) {
  const TemporaryFolder folder;
  const auto error = error_of([&] { load_method(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::usage);
  EXPECT_THAT(error.message(), HasSubstr("model/method.json"));
}

}  // namespace
}  // namespace fewlabel
