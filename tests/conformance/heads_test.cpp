// What every method of the family "frozen" must fulfil, which learns a head of features that stay as they are; a new
// one inherits all of it without writing a line. With FEWLABEL_TEST_DEVICE=cuda in the environment the nets stand on
// the GPU.
#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

#include "core/cancel.h"
#include "fewlabel/error.h"
#include "fewlabel/random.h"
#include "helpers.h"
#include "methods/toy.h"
#include "train/device.h"

namespace fewlabel::testing {
namespace {

constexpr int64_t kClasses = 4, kColumns = 24, kUnlabeled = 400, kTest = 400;
constexpr double kBar = 0.9;

/// LabelledRows of four classes, each apart from the others in a direction of its own, under noise that is louder along
/// `loud` directions, which tell nothing; then all directions are turned, so that no column tells more than another.
/// Few labels cannot know which directions are noise; what lies in one group with them does.
struct LabelledRows {
  Tensor x, y;
};
LabelledRows turned_blobs(std::string_view purpose, int64_t count, int64_t loud) {
  constexpr double kApart = 3, kQuiet = 0.5, kLoud = 2;
  const auto draw = [](std::string_view of, const std::vector<int64_t>& sizes) {
    Random random({.seed = 11, .purpose = of});
    Tensor values = torch::empty(sizes, torch::kDouble);
    double* out = values.data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i) out[i] = random.normal();
    return values;
  };
  const Tensor turn = std::get<0>(torch::linalg_qr(draw("turn", {kColumns, kColumns})));
  const Tensor y = torch::arange(count).remainder(kClasses);
  Tensor x = kQuiet * draw(purpose, {count, kColumns});
  x.slice(1, kClasses, kClasses + loud).mul_(kLoud / kQuiet);
  x.slice(1, 0, kClasses).add_(kApart * torch::one_hot(y, kClasses));
  return {x.mm(turn).to(torch::kFloat), y};
}

/// A method, and the kind of head that its net has.
struct HeadCase {
  std::string method, head;
};

std::vector<HeadCase> head_cases() {
  std::vector<HeadCase> result;
  for (const auto& method : all_methods())
    if (method.family == "frozen")
      for (const std::string head : {"unit", "plain"}) result.push_back({method.name, head});
  return result;
}

class EveryHead : public ::testing::TestWithParam<HeadCase> {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    const char* wanted = std::getenv("FEWLABEL_TEST_DEVICE");
    device_ = choose_device(wanted ? wanted : "cpu");
  }
  void TearDown() override { clear_cancel(); }

  const MethodInfo& info() const { return find_method(GetParam().method); }
  /// best_head holds half of the labels out, so it gets more of them, and a louder noise that they do not see through.
  bool judges() const { return GetParam().method == "best_head"; }
  int64_t loud() const { return judges() ? 10 : 6; }
  LabelledRows labeled() const { return turned_blobs("labeled", (judges() ? 4 : 2) * kClasses, loud()); }
  LabelledRows unlabeled() const { return turned_blobs("unlabeled", kUnlabeled, loud()); }
  LabelledRows test() const { return turned_blobs("test", kTest, loud()); }

  /// `linear` sees rows as they are.
  Net net(const std::string& name = "linear", double dropout = 0.0) const {
    NetConfig config;
    config.name = name;
    config.head = GetParam().head;
    config.dropout = dropout;
    const Net made = make_net(config, layout(), kClasses, 3);
    made->to(device_);
    return made;
  }
  static Layout layout() { return {Kind::table, Layout::Type::f32, {static_cast<int32_t>(kColumns)}}; }
  static FeaturePools pools(NetModule& net, const LabelledRows& labeled, const Tensor& unlabeled) {
    const torch::NoGradGuard no_grad;
    const torch::Device device = net.parameters().front().device();
    const auto features = [&](const Tensor& x) { return net.features(x.to(device)).cpu(); };
    return {.labeled = features(labeled.x), .y = labeled.y, .unlabeled = features(unlabeled)};
  }
  /// A fitted method.
  std::unique_ptr<Method> fitted(const Net& net, const LabelledRows& labeled, const Tensor& unlabeled,
                                 const std::string& name) const {
    auto method = find_method(name).make(Json::object(), task(labeled, unlabeled), net);
    dynamic_cast<HeadLearner&>(*method).fit(pools(*net, labeled, unlabeled));
    return method;
  }
  std::unique_ptr<Method> fitted(const Net& net, const LabelledRows& labeled, const Tensor& unlabeled) const {
    return fitted(net, labeled, unlabeled, GetParam().method);
  }
  static Task task(const LabelledRows& labeled, const Tensor& unlabeled) {
    return {.layout = layout(),
            .classes = kClasses,
            .labeled = labeled.x.size(0),
            .unlabeled = unlabeled.size(0),
            .class_share = std::vector<double>(kClasses, 1.0 / kClasses),
            .steps = 1,
            .seed = 4};
  }

  Tensor answers(NetModule& net, const Tensor& x) const {
    const torch::NoGradGuard no_grad;
    net.eval();
    return net.forward(x.to(device_)).cpu();
  }
  double accuracy(NetModule& net, const LabelledRows& of) const { return share(answers(net, of.x).argmax(1).eq(of.y)); }
  static double share(const Tensor& right) { return right.to(torch::kDouble).mean().item<double>(); }

  torch::Device device_ = torch::kCPU;
};
INSTANTIATE_TEST_SUITE_P(Methods, EveryHead, ::testing::ValuesIn(head_cases()),
                         [](const auto& at) { return at.param.method + "_" + at.param.head; });

TEST_P(EveryHead, LearnsTheToy) {
  const LabelledRows known = labeled(), others = unlabeled(), fresh = test();
  const Net own = net();
  EXPECT_LE(accuracy(*own, fresh), 0.5);  // untrained
  const auto method = fitted(own, known, others.x);
  const bool alone = method->needs().unlabeled.empty() && !judges();
  EXPECT_GE(accuracy(*own, fresh), alone ? 0.6 : kBar);
  if (alone) return;
  const Net other = net();
  fitted(other, known, others.x, "logistic");
  EXPECT_LE(accuracy(*other, fresh), kBar - 0.02);  // the labels alone
}

TEST_P(EveryHead, IsAClassifierThatDoesNotLearnFromBatches) {
  const Net own = net();
  const auto method = info().make(Json::object(), task(labeled(), unlabeled().x), own);
  EXPECT_TRUE(dynamic_cast<HeadLearner*>(method.get()));
  auto* classifier = dynamic_cast<Classifier*>(method.get());
  ASSERT_TRUE(classifier);
  EXPECT_EQ(classifier->network(), own);
  std::size_t grouped = 0;
  for (const auto& [name, parameters] : method->groups()) grouped += parameters.size();
  EXPECT_EQ(grouped, 2U);
  RecordingStep step;
  EXPECT_EQ(error_of([&] { method->learn({}, step); }).kind(), ErrorKind::failure);
}

TEST_P(EveryHead, SamePoolsGiveTheSameBits) {
  const LabelledRows known = labeled(), others = unlabeled();
  const Net a = net(), b = net();
  torch::manual_seed(1);
  fitted(a, known, others.x);
  torch::manual_seed(2);
  const auto again = fitted(b, known, others.x);
  for (int times = 0; times < 2; ++times) {
    const auto left = state_of(*a), right = state_of(*b);
    for (const auto& [name, value] : left) EXPECT_TRUE(torch::equal(value, right.at(name))) << name;
    // What has been learnt before is not where it begins.
    dynamic_cast<HeadLearner&>(*again).fit(pools(*b, known, others.x));
  }
}

TEST_P(EveryHead, TheOrderOfThePoolsChangesNothing) {
  const LabelledRows known = labeled(), others = unlabeled(), fresh = test();
  const Net a = net(), b = net();
  fitted(a, known, others.x);
  fitted(b, known, others.x.flip(0));
  const Tensor left = answers(*a, fresh.x), right = answers(*b, fresh.x);
  // But what is rounded on the way, where an answer hangs on a hair.
  EXPECT_GE(share(left.argmax(1).eq(right.argmax(1))), 0.95);
  EXPECT_LE((left.softmax(1) - right.softmax(1)).abs().mean().item<double>(), 0.05);
}

TEST_P(EveryHead, NeedsNoUnlabelledExamplesWhereItAsksForNone) {
  const LabelledRows known = labeled();
  const Tensor none = torch::empty({0, kColumns});
  const Net own = net();
  const auto method = fitted(own, known, none);
  const Tensor logits = answers(*own, test().x);
  EXPECT_TRUE(logits.isfinite().all().item<bool>());
  if (method->needs().unlabeled.empty()) {
    EXPECT_GE(accuracy(*own, test()), 0.6);
  }
}

TEST_P(EveryHead, AClassMayHaveOneLabel) {
  const LabelledRows all = labeled(), others = unlabeled(), fresh = test();
  for (const int64_t left_out : {1, 3}) {  // 2, 2, 2, 1 labels, and 2, 1, 1, 1
    const int64_t count = 2 * kClasses - left_out;
    const Net own = net();
    fitted(own, {all.x.slice(0, 0, count), all.y.slice(0, 0, count)}, others.x);
    EXPECT_TRUE(answers(*own, fresh.x).isfinite().all().item<bool>());
    EXPECT_GE(accuracy(*own, fresh), 0.35) << left_out;
  }
  const Net own = net();
  fitted(own, {all.x.slice(0, 0, kClasses), all.y.slice(0, 0, kClasses)}, others.x);
  EXPECT_GE(accuracy(*own, fresh), 0.3);
}

TEST_P(EveryHead, AClassMayBeRare) {
  const LabelledRows all = labeled(), others = unlabeled();
  Tensor y = all.y.clone();
  y.masked_fill_(y.eq(3), 2);
  y[0] = 3;
  const Net own = net();
  fitted(own, {all.x, y}, others.x);
  EXPECT_TRUE(answers(*own, test().x).isfinite().all().item<bool>());
}

TEST_P(EveryHead, TheScaleOfTheFeaturesSaysNothing) {
  const LabelledRows known = labeled(), others = unlabeled(), fresh = test();
  const Net plain = net();
  fitted(plain, known, others.x);
  const Tensor expected = answers(*plain, fresh.x).argmax(1);
  for (const double factor : {1e-9, 1e9}) {
    SCOPED_TRACE(factor);
    const Net own = net();
    fitted(own, {known.x * factor, known.y}, others.x * factor);
    const Tensor logits = answers(*own, fresh.x * factor);
    EXPECT_TRUE(logits.isfinite().all().item<bool>());
    EXPECT_GE(share(logits.argmax(1).eq(expected)), 0.95);
  }
}

TEST_P(EveryHead, AColumnThatNeverMovesTellsNothing) {
  LabelledRows known = labeled(), others = unlabeled(), fresh = test();
  const auto set = [&](const LabelledRows& of, double value) { of.x.select(1, 0).fill_(value); };
  for (const double value : {0.0, 0.1, 1e4}) {
    SCOPED_TRACE(value);
    set(known, value), set(others, value), set(fresh, value);
    const Net own = net();
    fitted(own, known, others.x);
    const Tensor logits = answers(*own, fresh.x);
    EXPECT_TRUE(logits.isfinite().all().item<bool>());
    EXPECT_GE(accuracy(*own, fresh), 0.5);
    // Where it moves after all, the answers do not jump.
    set(fresh, value + 0.1);
    EXPECT_GE(share(answers(*own, fresh.x).argmax(1).eq(logits.argmax(1))), 0.98);
  }
}

TEST_P(EveryHead, LeavesTheBackboneAlone) {
  const Net own = net("mlp");
  const auto before = state_of(*own);
  fitted(own, labeled(), unlabeled().x);
  for (const auto& [name, value] : state_of(*own)) {
    if (name == "head.linear.weight" || (name.starts_with("head.") && GetParam().head == "unit")) {
      EXPECT_FALSE(torch::equal(value, before.at(name)) && name != "head.linear.bias") << name;
    } else if (!name.starts_with("head.")) {
      EXPECT_TRUE(torch::equal(value, before.at(name))) << name;
    }
  }
  for (const auto& parameter : own->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

TEST_P(EveryHead, AnswersWithTheHeadThatItFound) {
  const Net own = net("mlp");
  const auto method = fitted(own, labeled(), unlabeled().x);
  const Tensor x = test().x.to(device_);
  const torch::NoGradGuard no_grad;
  const Tensor features = own->features(x), logits = own->forward(x);
  EXPECT_TRUE(torch::equal(own->classify(features), logits));
  EXPECT_TRUE(torch::equal(dynamic_cast<Classifier&>(*method).logits(x), logits));
  // By hand, row by row.
  const auto state = state_of(*own);
  const auto part = [&](const std::string& name) { return state.at("head." + name).cpu().to(torch::kDouble); };
  const Tensor weight = part("linear.weight"), bias = part("linear.bias");
  for (int64_t i = 0; i < 5; ++i) {
    Tensor row = features[i].cpu().to(torch::kDouble);
    if (GetParam().head == "unit") {
      row = (row - part("mean")) * part("factor");
      row = row * std::sqrt(static_cast<double>(row.numel()) / row.square().sum().item<double>());
    }
    const Tensor expected = weight.mv(row) + bias;
    EXPECT_LE((logits[i].cpu().to(torch::kDouble) - expected).abs().max().item<double>(), 1e-3);
  }
}

TEST_P(EveryHead, DropoutHasNoPartInIt) {
  const LabelledRows known = labeled(), others = unlabeled();
  const Net plain = net(), dropping = net("linear", 0.5);
  dropping->train();
  fitted(plain, known, others.x);
  fitted(dropping, known, others.x);
  EXPECT_TRUE(dropping->is_training());
  const auto left = state_of(*plain), right = state_of(*dropping);
  for (const auto& [name, value] : left) EXPECT_TRUE(torch::equal(value, right.at(name))) << name;
  EXPECT_EQ(right.at("head.draws").item<int64_t>(), 0);
}

TEST_P(EveryHead, StopsWhenItIsAskedTo) {
  const Net own = net();
  const auto before = state_of(*own);
  request_cancel(ErrorKind::terminated);
  EXPECT_EQ(error_of([&] { fitted(own, labeled(), unlabeled().x); }).kind(), ErrorKind::terminated);
  for (const auto& [name, value] : state_of(*own)) EXPECT_TRUE(torch::equal(value, before.at(name))) << name;
}

TEST_P(EveryHead, RefusesANetWithoutAHead) {
  NetConfig config;
  config.name = "linear";
  const Net headless = make_net(config, layout(), 0, 3);
  EXPECT_EQ(error_of([&] { info().make(Json::object(), task(labeled(), unlabeled().x), headless); }).kind(),
            ErrorKind::usage);
}

}  // namespace
}  // namespace fewlabel::testing
