#include "fewlabel/train_config.h"

namespace fewlabel {

template <Form form>
void DataSettings<form>::fields(FieldVisitor& field) {
  field("path", path, "folder, file or known name, with a split: fashion_mnist@100:seed=0");
  field("test", test, "a separate test set; else the data's own, where it has one");
  field("validation", validation, "examples that are reported on beside the run, never learnt from or chosen by");
  field("size", size, "side in pixels that images are resized to", 4, 1024);
  field("channels", channels, "1 grey, 3 colour", 1, 3);
  field("length", length, "tokens that texts are cut off at", 4, 4096);
  field("rate", rate, "samples a second that recordings are brought to", 1000, 192'000);
  field("seconds", seconds, "length of the part of a recording that a net sees at once", 0.05, 60.0);
  field("longest", longest, "seconds that are kept of a recording; what is longer loses its end", 0.05, 600.0);
  field("mels", mels, "bands of the log-mel spectrogram of a recording; 0 shows a net the samples", 0, 512);
  field("window_ms", window_ms, "window of its Fourier transform", 1.0, 200.0);
  field("hop_ms", hop_ms, "between two of its frames", 0.5, 100.0);
  field("cmn", cmn,
        "take from every band its mean over the recording (cepstral mean normalisation): microphones and loudness go");
  field("trim_db", trim_db, "take silence away at both ends of a recording, so far below its loudest; 0 keeps it", 0.0,
        120.0);
  field("channel", channel, "of a recording that is heard; 0 is the mean of all", 0, 64);
  field("target", target, "what is learnt of recordings", {"auto", "class", "transcript"});
  field("kind", kind, "what to read where a folder holds several kinds", {"auto", "image", "text", "table", "audio"});
  field("text", text, "column of a table that holds the text, or several, comma-separated; empty: found");
  field("columns", columns, "of a table: path:img,label:breed; of path, text, label and split; empty: found");
  field("encoding", encoding, "of text files, such as latin-1; empty: UTF-8");
  field("tokenizer", tokenizer, "a tokenizer.json for texts; auto and cased train one, without case or with it");
  field("vocabulary", vocabulary, "tokens that a trained tokenizer knows, at most", 300, 1 << 20);
  field("strict", strict, "refuse damaged examples instead of leaving them out");
  field("cache_mb", cache_mb, "decoded examples kept in memory, at most", 0, 1 << 20);
  field("disk_cache_mb", disk_cache_mb, "decoded examples kept on disk for the next run, at most; 0 keeps none", 0,
        1 << 24);
  field("classes", classes, "comma-separated class names; empty: found in the data");
  field("virtual", virtual_examples, "labelled examples that a generator made, to learn from beside the real ones");
  field("virtual_share", virtual_share, "their share of the labelled examples of a step", 0.0, 0.95);
  field("shares", shares,
        "class shares of the unlabelled examples, for who knows them: a number a class (300,45,15), labels or uniform");
  field("mean", mean, "comma-separated, a number a channel (pixels from 0 to 1) or column: taken off; empty: measured");
  field("std", deviation, "likewise: what the rest is divided by");
}

template <Form form>
void NetSettings<form>::fields(FieldVisitor& field) {
  field("name", name,
        "network of images: linear, mlp, ladder_mlp, seed_cnn, cnn, wrn, resnet18, resnet34, resnet50, "
        "efficientnet_lite0, lite1 and lite2, vit; of texts: "
        "bag, text_cnn, bert; of tables: linear, mlp; of recordings: tc_resnet, wav2vec2 (of samples) and "
        "those of images");
  field("depth", depth, "layers of a wrn (6n + 4)", 10, 100);
  field("width", width, "width factor of a wrn and of a tc_resnet", 1, 16);
  field("grid", grid, "cnn, wrn, resnet, vit: features are means over grid × grid parts of the image", 1, 4);
  field("stem", stem, "first layers of a resnet", {"auto", "small", "imagenet"});
  field(
      "size", size,
      "blocks and width of a vit: micro 4 of 128, tiny 12 of 192, small 12 of 384; of a bert: micro 2 of 128, mini 4 "
      "of 256, small 4 of 512, medium 8 of 512, base 12 of 768; of a wav2vec2: micro 3 of 128, mini 4 of 256, small 6 "
      "of 512, base 12 of 768",
      {"micro", "tiny", "mini", "small", "medium", "base"});
  field("shape", shape,
        "bert: blocks x width x heads x inner width in place of size, such as 6x384x12x1536; a fifth number is the "
        "width of its tokens; resnet and convnext: the stem's width, width x blocks of each stage and the kind of "
        "block, such as 64-256x3-512x4-1024x6-2048x3-bottleneck");
  field("eps", eps, "bert: added to the variance in its layer norms; convnext: in the last one", 0.0, 1.0);
  field("graph", graph, "onnx: folder with an encoder.json and the ONNX files that it names");
  field("patch", patch, "side in pixels of a vit's patch; 0 is an eighth of the side up to 64 pixels, 16 above", 0,
        128);
  field("norm", norm,
        "bert: layer norm before each part of a block, or after it as published; encoders with batch norm: kept, its "
        "statistics stay as they came",
        {"pre", "post", "kept"});
  field("pool", pool,
        "bert: features are the mean of a text's tokens, its first token, the largest of each number, or the sum over "
        "the root of the length",
        {"mean", "first", "max", "mean_sqrt_len"});
  field("bn_momentum", bn_momentum, "weight of the newest batch in batch norm's running statistics", 0.0, 1.0);
  field("dropout", dropout, "dropped share of the features before the head", 0.0, 0.95);
  field("head", head, "unit: features are scaled and brought to one length before the linear layer, as encoders' are",
        {"plain", "unit"});
  field("inner_dropout", inner_dropout, "bag, text_cnn, bert: dropped share of embeddings and of what blocks add", 0.0,
        0.95);
}

template <Form form>
void AugmentSettings<form>::fields(FieldVisitor& field) {
  field("weak", weak, "policy of the weak view");
  field("strong", strong, "policy of the strong view");
  field("contrast", contrast, "policy of the views that joint embedding compares");
}

template <Form form>
void OptimizerSettings<form>::fields(FieldVisitor& field) {
  field("name", name, "sgd is with Nesterov momentum", {"sgd", "adamw"});
  field("lr", lr, "peak learning rate", 0.0, 100.0);
  field("momentum", momentum, "momentum of sgd, beta1 of adamw", 0.0, 0.9999);
  field("beta2", beta2, "adamw only", 0.0, 0.99999);
  field("weight_decay", weight_decay, "not applied to biases and batch norm", 0.0, 10.0);
  field("schedule", schedule, "of the learning rate", {"cosine_7_16", "cosine", "linear", "constant"});
  field("warmup", warmup, "share of the run in which the rate rises from 0", 0.0, 1.0);
  field("clip", clip, "largest gradient norm; 0 is off", 0.0, 1e6);
}

template <Form form>
void LoopSettings<form>::fields(FieldVisitor& field) {
  constexpr bool planned = form == Form::planned;
  field("steps", steps, "optimiser updates", 1, int64_t{1} << 40);
  field("minutes", minutes, "time budget of all that a run does; the number of steps follows", planned ? 0.0 : 0.01,
        1e6);
  field("batch", batch, "labelled examples a step; examples a step where there are no labels", 1, 65536);
  field("accumulate", accumulate, "micro-batches an update", 1, 4096);
  field("average", average, "decay of the weight average; 0 is off", 0.0, 0.999999);
  field("precision", precision, "of the convolutions", {"bf16", "fp32"});
  field("kernels", kernels, "fewlabel's own kernels on the CPU; false is libtorch's alone, to compare with");
  field("cuda_graphs", cuda_graphs, "record a step on a GPU once and replay it, where the method allows");
  field("threads", threads, "threads of the step", 1, 1024);
  field("log_every", log_every, "steps between two lines of metrics.jsonl", 1, 1 << 20);
  field("evaluate_every", evaluate_every, "steps between two evaluations; 0 is about twenty a run", 0, 1 << 30);
}

void Conduct::conduct_fields(FieldVisitor& field) {
  field("device", device, "where to train: cpu, cuda or cuda:N; auto is cuda where libtorch and the machine have it");
  field("workers", workers, "threads of the loader", 0, 256);
  field("checkpoint_seconds", checkpoint_seconds, "time between two checkpoints", 0.0, 1e6);
  field("checkpoints", checkpoints, "checkpoints kept", 1, 1000);
}

void LoopConfig::fields(FieldVisitor& field) {
  LoopSettings::fields(field);
  conduct_fields(field);
}

void TrainConfig::fields(FieldVisitor& field) {
  field("out", out, "run folder; empty is runs/<data>-<method>");
  field("seed", seed, "of initialisation, order and augmentation", 0, int64_t{1} << 53);
  field(
      "preset", preset,
      "settings where nothing else is said: those of a method's paper, or those for runs below 100,000 steps; auto is "
      "by the steps",
      {"paper", "short"});
  field("baseline", baseline, "also train this for comparison", {"none", "supervised"});
  field("baseline_minutes", baseline_minutes, "time budget of the baseline; auto is a part of the run's own", 0.01,
        1e6);
  field("baseline_steps", baseline_steps, "updates of the baseline; auto is as many as fit its minutes", 1,
        int64_t{1} << 40);
  field("estimate", estimate,
        "accuracy by repeated hold-out of labels, each time trained anew; auto is where nothing else judges the run",
        {"none", "holdout"});
  field("init", init, "run whose net training starts from; empty is a fresh one");
  field("init_hash", init_hash, "hash of the weights of init; a run fills it in");
  field("encoder", encoder,
        "a net that somebody trained before, to start from: the name of a known one (`fewlabel encoders`), a Hugging "
        "Face "
        "or timm folder, an ONNX file; auto takes a known one where neither net nor method is named; none starts from "
        "nothing");
  field("encoder_hash", encoder_hash, "hash of its weights; a run fills it in");
  field("probe", probe, "how frozen features are measured at the end; auto is full without labels, else none",
        {"none", "quick", "full"});
  field("data", data, "what to learn from");
  field("net", net, "the network");
  field("augment", augment, "what the views mean");
  field("optimizer", optimizer, "how weights move");
  field("train", train, "how long and how");
}

void Plan::fields(FieldVisitor& field) {
  field("stage", stage, "of the run");
  field("preset", preset, "where settings came from that nobody wrote", {"paper", "short"});
  field("seed", seed, "of initialisation, order and augmentation", 0, int64_t{1} << 53);
  field("init", init, "run whose net training starts from");
  field("init_hash", init_hash, "hash of its weights");
  field("starts_from", starts_from, "stage of the same run whose net training starts from");
  field("encoder", encoder, "folder of a net that somebody trained before, which training starts from");
  field("encoder_hash", encoder_hash, "hash of its weights");
  field("probe", probe, "how frozen features are measured at the end", {"none", "quick", "full"});
  field("fold", fold, "whose labels are held out and judge; 0 is none", 0, 1000);
  field("folds", folds, "that the labels are divided into", 0, 1000);
  field("data", data, "what to learn from");
  field("net", net, "the network");
  field("augment", augment, "what the views mean");
  field("optimizer", optimizer, "how weights move");
  field("train", train, "how long and how");
}

template struct DataSettings<Form::written>;
template struct DataSettings<Form::planned>;
template struct NetSettings<Form::written>;
template struct NetSettings<Form::planned>;
template struct AugmentSettings<Form::written>;
template struct AugmentSettings<Form::planned>;
template struct OptimizerSettings<Form::written>;
template struct OptimizerSettings<Form::planned>;
template struct LoopSettings<Form::written>;
template struct LoopSettings<Form::planned>;

}  // namespace fewlabel
