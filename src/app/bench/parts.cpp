#include <torch/torch.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>

#include "app/bench/measure.h"
#include "data/loader.h"
#include "fewlabel/net.h"
#include "fewlabel/random.h"
#include "fewlabel/transform.h"
#include "modalities/audio/views.h"
#include "train/checkpoint.h"
#include "train/module_state.h"

namespace fewlabel::measure {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

ImageShape shape_of(int64_t side, int64_t channels) {
  return {static_cast<int32_t>(side), static_cast<int32_t>(side), static_cast<int32_t>(channels)};
}

/// Pictures with some structure: the cost of some operations depends on what they see.
class MadeUp final : public ExampleStore {
 public:
  MadeUp(const ImageShape& shape, int64_t count) : shape_(shape), count_(count) {
    pixels_.resize(static_cast<std::size_t>(count * shape.bytes()));
    Random random({.seed = 1, .purpose = "bench"});
    const auto bytes = static_cast<std::size_t>(shape.bytes());
    for (std::size_t i = 0; i < pixels_.size(); ++i)
      pixels_[i] = static_cast<uint8_t>(30 + i % bytes * 100 / bytes + random.below(80));
  }
  int64_t size() const override { return count_; }
  const Layout& layout() const override { return shape_; }
  void fetch(int64_t index, uint8_t* out) const override { std::copy_n(at(index), shape_.bytes(), out); }
  std::vector<int64_t> damaged() const override { return {}; }
  const std::vector<Damage>& damage() const override { return damage_; }
  const std::string& content_hash() const override { return hash_; }
  const uint8_t* at(int64_t index) const { return pixels_.data() + index * shape_.bytes(); }

 private:
  Layout shape_;
  int64_t count_;
  std::vector<uint8_t> pixels_;
  std::vector<Damage> damage_;
  std::string hash_;
};

/// Calls f for about `wanted` seconds; returns calls a second.
template <typename F>
double rate(double wanted, const F& f) {
  int64_t calls = 0;
  const auto start = Clock::now();
  double taken = 0;
  while ((taken = seconds_since(start)) < wanted) {
    for (int i = 0; i < 64; ++i) f();
    calls += 64;
  }
  return static_cast<double>(calls) / taken;
}

struct TemporaryFolder {
  TemporaryFolder() : path(std::filesystem::temp_directory_path() / ("fewlabel-bench-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path path;
};

double product_rate(at::ScalarType type) {
  constexpr int64_t kSide = 2048;
  const at::Tensor a = torch::randn({kSide, kSide}).to(type), b = torch::randn({kSide, kSide}).to(type);
  torch::mm(a, b);
  double best = 1e300;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    torch::mm(a, b);
    best = std::min(best, seconds_since(start));
  }
  return 2e-9 * kSide * kSide * kSide / best;
}

}  // namespace

Json peak_gflops() {
  const at::NoGradGuard no_gradient;
  return {{"fp32", product_rate(at::kFloat)}, {"bf16", product_rate(at::kBFloat16)}};
}

Json augment_rates(int64_t side, int64_t channels) {
  const MadeUp images(shape_of(side, channels), 500);
  std::vector<uint8_t> out(static_cast<std::size_t>(images.layout().bytes()));
  Json rates = Json::object();
  const ViewPolicies policies = image_policies(channels);
  for (const auto& [name, policy] :
       {std::pair{"weak", policies.weak}, {"strong", policies.strong}, {"contrast", policies.contrast}}) {
    const auto transform = make_image_transform(policy);
    uint64_t index = 0;
    rates[name] = rate(1.0, [&] {
      Random random({.seed = 1, .purpose = "bench", .index = index});
      transform->apply(images.at(static_cast<int64_t>(index++ % 500)), images.layout(), out.data(), random);
    });
  }
  return rates;
}

Layout second_of_sound() {
  constexpr int32_t kRate = 16000;
  return FrontEnd{}.seen(kRate, kRate, kRate);
}

Json sound_rates() {
  constexpr std::size_t kRecordings = 50;
  const Layout seen = second_of_sound();
  const auto kept = static_cast<std::size_t>(kept_sound(seen).values());
  std::vector<float> recordings(kRecordings * kept);
  Random random({.seed = 1, .purpose = "bench"});
  for (float& sample : recordings) sample = static_cast<float>(random.uniform(-0.1, 0.1));
  const auto length = static_cast<int32_t>(kept - 1);
  for (std::size_t i = 0; i < kRecordings; ++i) std::memcpy(&recordings[i * kept], &length, sizeof(length));
  const auto front = std::make_shared<const Front>(FrontEnd{});
  const ViewPolicies policies = sound_policies({});
  std::vector<uint8_t> out(static_cast<std::size_t>(seen.bytes()));
  Json rates = Json::object();
  for (const auto& [name, policy] : {std::pair<const char*, std::string>{"plain", "none"},
                                     {"masked", "mel_mask(0.156, n=2)+time_mask(0.15, n=2)"},
                                     {"weak", policies.weak},
                                     {"strong", policies.strong}}) {
    const auto transform = make_sound_transform(policy, front);
    uint64_t index = 0;
    rates[name] = rate(1.0, [&] {
      Random draw({.seed = 1, .purpose = "bench", .index = index});
      transform->apply(reinterpret_cast<const uint8_t*>(recordings.data() + index++ % kRecordings * kept), seen,
                       out.data(), draw);
    });
  }
  return rates;
}

Json loader_rates(int64_t side, int64_t channels, int workers) {
  constexpr int64_t kImages = 20000, kBatch = 64, kRatio = 7;
  const MadeUp images(shape_of(side, channels), kImages);
  StreamSpec labeled, unlabeled;
  labeled.batch = kBatch;
  unlabeled.batch = kBatch * kRatio;
  for (int64_t i = 0; i < kImages; ++i) {
    StreamSpec& stream = i < 100 ? labeled : unlabeled;
    stream.pool.push_back(i);
    stream.labels.push_back(i < 100 ? static_cast<int32_t>(i % 10) : kUnlabeled);
  }
  const ViewPolicies policies = image_policies(channels);
  labeled.transforms.emplace_back(make_image_transform(policies.weak));
  unlabeled.transforms.emplace_back(make_image_transform(policies.weak));
  unlabeled.transforms.emplace_back(make_image_transform(policies.strong));
  Loader loader(images, labeled, unlabeled, {.seed = 1, .workers = workers});
  constexpr int64_t kBatches = 200;
  for (int i = 0; i < 8; ++i) loader.next();
  const auto start = Clock::now();
  for (int64_t i = 0; i < kBatches; ++i) loader.next();
  const double seconds = seconds_since(start) / static_cast<double>(kBatches);
  return {{"seconds_per_batch", seconds},
          {"examples_per_second", static_cast<double>(kBatch * (1 + kRatio)) / seconds},
          {"views_per_second", static_cast<double>(kBatch * (1 + 2 * kRatio)) / seconds},
          {"workers", workers}};
}

Json checkpoint_times(const std::string& net, int64_t side, int64_t channels) {
  NetConfig config;
  config.name = net;
  const Net made = make_net(config, shape_of(side, channels), 10, 1);
  Checkpoint checkpoint;
  checkpoint.model = state_of(*made);
  checkpoint.average = checkpoint.model;
  checkpoint.optimizer = checkpoint.model;
  checkpoint.state = {{"format", 1}, {"step", 0}};
  const TemporaryFolder folder;
  const CheckpointStore store(folder.path, 1);
  std::vector<double> written, read;
  double bytes = 0;
  for (int64_t i = 0; i < 5; ++i) {
    auto start = Clock::now();
    const auto path = store.save(i, checkpoint);
    written.push_back(seconds_since(start));
    start = Clock::now();
    read_checkpoint(path);
    read.push_back(seconds_since(start));
    bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(path)) bytes += static_cast<double>(file.file_size());
  }
  return {{"seconds_to_write", median(written)},
          {"seconds_to_read_and_verify", median(read)},
          {"bytes", bytes},
          {"written_mb_per_second", bytes / median(written) / 1e6}};
}

}  // namespace fewlabel::measure
