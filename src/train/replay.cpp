#include "train/replay.h"

#include <algorithm>

#include "core/text.h"
#include "fewlabel/error.h"
#include "train/torch_compat.h"

namespace fewlabel {
namespace {

constexpr int64_t kPlainSteps = 3;

/// All tensors of a batch, in an order that its shape decides.
std::vector<Tensor*> tensors_of(Batch& batch) {
  std::vector<Tensor*> all;
  for (Views* views : {&batch.labeled, &batch.unlabeled}) {
    for (Tensor& x : views->x) all.push_back(&x);
    all.push_back(&views->y);
    all.push_back(&views->index);
  }
  return all;
}

Batch room_for(Batch batch) {
  for (Tensor* tensor : tensors_of(batch))
    if (tensor->defined()) *tensor = at::empty_like(*tensor);
  return batch;
}

/// Copies a batch into room of the same shapes; false, and nothing done, where the shapes differ.
bool fill(Batch& room, Batch batch) {
  const std::vector<Tensor*> to = tensors_of(room), from = tensors_of(batch);
  const auto alike = [](const Tensor* a, const Tensor* b) {
    return a->defined() == b->defined() && (!a->defined() || a->sizes() == b->sizes());
  };
  if (!std::equal(to.begin(), to.end(), from.begin(), from.end(), alike)) return false;
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < to.size(); ++i)
    if (to[i]->defined()) to[i]->copy_(*from[i]);
  return true;
}

}  // namespace

/// Lent to the method while it is recorded: keeps the tensors that it hands over, for use after every replay.
class StepReplay::RecordedStep final : public Step {
 public:
  explicit RecordedStep(TrainerStep& step) : step_(step) {}

  void minimize(const Tensor& loss, std::string_view group) override {
    if (!kept_.group.empty())
      throw Error(ErrorKind::failure, "method", "is replayable() but minimises more than once a step");
    kept_.group = group;
    step_.backward(loss, group);
    for (const Tensor& parameter : step_.parameters(group)) kept_.gradients.push_back(parameter.grad());
    for (const std::string& name : step_.loss_names(group)) keep(name, loss);
  }
  void log(std::initializer_list<std::pair<std::string_view, Tensor>> values) override {
    for (const auto& [name, value] : values)
      if (!step_.is_own_name(name)) keep(name, value);
  }
  void pseudo_labels(const Tensor& label, const Tensor& used) override {
    kept_.label = label;
    kept_.used = used;
  }
  void embeddings(const Tensor& z) override { kept_.z = z.detach(); }

  void begin() { kept_ = {}; }
  /// All logged values in one tensor: one copy a step, instead of one each.
  void end() {
    if (!kept_.values.empty()) kept_.logged = at::stack(kept_.values);
    kept_.values.clear();
  }
  /// What the trainer's own step does at these calls.
  void apply(Step& outer) const {
    if (!kept_.group.empty()) {
      const std::vector<Tensor>& parameters = step_.parameters(kept_.group);
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = kept_.gradients[i];
      step_.apply(kept_.group);
    }
    if (kept_.label.defined()) outer.pseudo_labels(kept_.label, kept_.used);
    if (kept_.z.defined()) outer.embeddings(kept_.z);
    if (!kept_.logged.defined()) return;
    const Tensor values = kept_.logged.clone();  // the next replay may write over them before they are read
    for (std::size_t i = 0; i < kept_.names.size(); ++i)
      step_.metrics().add(kept_.names[i], values.select(0, static_cast<int64_t>(i)));
  }

 private:
  void keep(std::string_view name, const Tensor& value) {
    kept_.names.emplace_back(name);
    kept_.values.push_back(value.detach().to(at::kFloat).reshape({}));
  }

  struct Kept {
    std::string group;
    std::vector<Tensor> gradients;
    std::vector<std::string> names;
    std::vector<Tensor> values;
    Tensor logged, label, used, z;
  };
  TrainerStep& step_;
  Kept kept_;
};

StepReplay::StepReplay(Method& method, TrainerStep& step, Step& outer, std::unique_ptr<GpuRecorder> recorder)
    : method_(method),
      step_(step),
      outer_(outer),
      recorder_(std::move(recorder)),
      kept_(std::make_unique<RecordedStep>(step)) {}
StepReplay::~StepReplay() = default;

void StepReplay::learn(const Batch& batch) {
  if (!recorded_ && failure_.empty() && plain_ >= kPlainSteps) record(batch);
  if (!recorded_ || !fill(input_, batch)) {
    ++plain_;
    method_.learn(batch, outer_);
    return;
  }
  recorder_->replay();
  kept_->apply(outer_);
}

void StepReplay::record(const Batch& batch) {
  input_ = room_for(batch);
  try {
    recorder_->record([this] {
      kept_->begin();
      method_.learn(input_, *kept_);
      kept_->end();
    });
    recorded_ = true;
  } catch (const c10::Error& error) {
    failure_ = split_text(error.what_without_backtrace(), '\n').front();
    input_ = {};
    kept_->begin();
    for (const Tensor& parameter : method_.parameters()) parameter.mutable_grad() = Tensor();
  }
}

}  // namespace fewlabel
