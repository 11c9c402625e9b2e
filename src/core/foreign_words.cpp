#include "core/foreign_words.h"

#include <algorithm>
#include <vector>

#include "core/text.h"

namespace fewlabel {
namespace {

struct Row {
  std::vector<std::string_view> words;
  std::string_view key, value, more;  // value: in place of the one given
};

constexpr std::string_view kEpochs =
    "Steps are updates: an epoch is as many as the examples divided by train.batch; --minutes N is a time budget.";

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {{"epochs", "epoch", "num_epochs", "n_epochs", "max_epochs"}, "train.steps", "N", kEpochs},
      {{"iterations", "iters", "num_iterations", "max_iter", "max_iters", "max_steps", "num_steps", "total_steps",
        "num_train_iter", "updates", "train_steps"},
       "train.steps",
       "",
       ""},
      {{"time", "time_limit", "max_time", "budget"}, "train.minutes", "N", ""},
      {{"batch_size", "batchsize", "bs", "b", "train_batch_size", "batch_size_per_gpu"}, "train.batch", "", ""},
      {{"uratio", "unlabeled_ratio"}, "method.mu", "", ""},
      {{"learning_rate", "lr", "base_lr", "init_lr"}, "optimizer.lr", "", ""},
      {{"weight_decay", "wd", "l2"}, "optimizer.weight_decay", "", ""},
      {{"optim", "opt"}, "optimizer.name", "", ""},
      {{"scheduler", "lr_scheduler", "lr_schedule"}, "optimizer.schedule", "", ""},
      {{"warmup_steps", "warmup_epochs", "warmup_ratio"}, "optimizer.warmup", "SHARE", "It is a share of the run."},
      {{"grad_clip", "clip_grad", "clip_grad_norm", "max_grad_norm", "gradient_clip_val"}, "optimizer.clip", "", ""},
      {{"ema", "ema_decay", "ema_m", "use_ema"}, "train.average", "DECAY", ""},
      {{"accumulation", "grad_accum", "gradient_accumulation_steps", "accumulate_grad_batches"},
       "train.accumulate",
       "",
       ""},
      {{"amp", "fp16", "half", "bf16", "mixed_precision"}, "train.precision", "bf16", ""},
      {{"cpu", "no_cuda"}, "train.device", "cpu", ""},
      {{"workers", "num_workers", "n_workers", "dataloader_num_workers"}, "train.workers", "", ""},
      {{"num_threads", "n_threads", "jobs", "j"}, "train.threads", "", ""},
      {{"log_interval", "print_freq", "logging_steps", "log_every_n_steps"}, "train.log_every", "", ""},
      {{"eval_interval", "eval_freq", "eval_steps", "num_eval_iter"}, "train.evaluate_every", "", ""},
      {{"save_interval", "save_freq", "save_steps"}, "train.checkpoint_seconds", "N", "It is a time in seconds."},
      {{"dataset", "data_dir", "data_path", "data_root", "dataset_path", "root", "input", "train_dir", "train_data",
        "images", "d"},
       "data",
       "",
       ""},
      {{"val", "valid", "validation", "val_dir", "test_dir", "test_data", "test_set"}, "data.test", "", ""},
      {{"num_labels", "n_labels", "n_labeled", "num_labeled"},
       "data",
       "PATH@N",
       "That keeps N labels and hides the others."},
      {{"num_classes", "n_classes", "class_names"},
       "data.classes",
       "NAMES",
       "Classes are found in the data; give it only to name or to order them."},
      {{"image_size", "img_size", "imgsz", "input_size", "resolution", "crop_size"}, "data.size", "", ""},
      {{"model", "backbone", "arch", "architecture", "network", "encoder", "a"}, "net", "", ""},
      {{"algorithm", "algo", "alg", "ssl", "approach"}, "method", "", ""},
      {{"threshold", "p_cutoff", "confidence"}, "method.tau", "", ""},
      {{"augmentation", "augmentations", "transform", "transforms"}, "augment.strong", "", ""},
      {{"random_seed", "manual_seed", "random_state"}, "seed", "", ""},
      {{"output", "output_dir", "out_dir", "outdir", "save_dir", "save_path", "log_dir", "logdir", "run_dir",
        "run_name", "experiment", "exp_name", "name", "project", "o"},
       "out",
       "",
       ""},
      {{"pretrained", "weights", "load_path", "checkpoint_path", "from_checkpoint"},
       "init",
       "RUN",
       "It starts from the weights of another run; --resume goes on with this one."}};
  return all;
}

/// "gpu=0", "gpus=2", "cuda".
Translation graphics(std::string_view word, std::string_view value) {
  const bool count = word == "gpus" || word == "num_gpus" || word == "devices" || word == "n_gpu";
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  const bool none = value == "false" || value == "-1" || value == "none" || (count && value == "0");
  const bool later = number && !count && value.find_first_not_of('0') != std::string_view::npos;
  const bool several = value.find(',') != std::string_view::npos || (count && number && value != "0" && value != "1");
  return {"train.device",
          none    ? "cpu"
          : later ? "cuda:" + std::string(value)
                  : "cuda",
          several ? "One GPU trains a run." : ""};
}

}  // namespace

Translation translated(std::string_view word, std::string_view value) {
  std::string plain = lower(word);
  std::replace(plain.begin(), plain.end(), '-', '_');
  for (const std::string_view gpu :
       {"gpu", "gpus", "cuda", "gpu_id", "gpu_ids", "num_gpus", "devices", "n_gpu", "use_gpu"})
    if (plain == gpu) return graphics(gpu, value);
  for (const Row& row : rows())
    if (std::find(row.words.begin(), row.words.end(), plain) != row.words.end())
      return {std::string(row.key), std::string(row.value.empty() ? value : row.value), std::string(row.more)};
  return {};
}

}  // namespace fewlabel
