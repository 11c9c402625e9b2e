#include "cli/verbs.h"

namespace fewlabel {

const std::vector<Verb>& all_verbs() {
  static const std::vector<Verb> verbs = {
      {"train",
       "learn from few labels; writes a run folder with model and report",
       {{"fewlabel train data=photos", "your own folder; everything else is picked and said"},
        {"fewlabel train data=photos --minutes 20", "the same with a time budget"},
        {"fewlabel train fashion_mnist/freematch seed=1", "a recipe, one key changed"},
        {"fewlabel train my.toml method.tau=0.9 out=runs/x", "a recipe of your own"},
        {"fewlabel train data=questions.csv@60 data.test=test.csv", "texts: a column text, a column label"},
        {"fewlabel train data=photos method=simclr", "without any label; then probes tell what it learnt"},
        {"fewlabel train data=photos init=runs/x", "start from the weights of another run"},
        {"fewlabel train --resume runs/x", "go on after Ctrl-C, a kill or a crash"}},
       "RECIPE is a TOML file or the name of one that comes along (see `fewlabel recipes`). "
       "KEY=VALUE changes one of its keys; later ones win. data=, net= and method= are short for data.path=, "
       "net.name= and method.name=.\n\n"
       "Common keys: data, out, seed, net, method, method.tau, train.minutes, train.steps, train.batch, "
       "optimizer.lr, augment.weak, augment.strong, baseline. `fewlabel help config` lists all with their defaults.\n\n"
       "Data is a folder with a folder for each class and, for examples without a label, one called unlabeled: images "
       "or texts (.txt); a CSV, TSV or JSONL file that names images or holds texts or numbers; lines of text; IDX, "
       "CIFAR or NPY files; or tar shards. data=PATH@100:seed=0 keeps 100 labels, balanced by class, and hides the "
       "others.\n\n"
       "A recipe with [[stage]] tables is several trainings in a row, the weights of each passing on to the next; "
       "stage.2.train.minutes=5 changes one of them.",
       true},
      {"sweep",
       "train every combination of settings; ends in a table",
       {{"fewlabel sweep fashion_mnist/demo seed=0,1,2", "three runs, and their mean ± sd"},
        {"fewlabel sweep data=photos@40 seed=0,1,2 method=fixmatch,softmatch", "six runs, compared by method"},
        {"fewlabel sweep --resume runs/demo-sweep", "go on after Ctrl-C, a kill or a crash"},
        {"fewlabel runs compare runs/demo-sweep --csv", "the table for another program"}},
       "Takes what `fewlabel train` takes; a key with several values, separated by commas, makes a run of each. The "
       "runs are ordinary ones, one after another, in a folder for each below out= (runs/NAME-sweep by default). "
       "sweep.json there says what each is and how it ended.\n\n"
       "A comma within brackets separates nothing. A value that holds commas itself goes in quotes, which the shell "
       "must leave alone, or the commas after backslashes: 'data.classes=\"cat,dog\"', 'data.classes=cat\\,dog'.\n\n"
       "A run that fails is noted, the others go on, and the exit code is 1 in the end. --resume keeps what is "
       "finished, goes on with what was stopped, and starts what is missing or failed.",
       true},
      {"evaluate",
       "measure the model of a run again: its answers, features or samples",
       {{"fewlabel evaluate runs/demo", "accuracy on the test set of the run"},
        {"fewlabel evaluate runs/demo data=more_photos", "on other data with the same classes"},
        {"fewlabel evaluate runs/x --probe knn,linear", "what its frozen features are worth"},
        {"fewlabel evaluate runs/x --probe finetune@100", "its net, fine-tuned with 100 labels"},
        {"fewlabel evaluate pixels photos@40 --probe knn", "what features have to beat"},
        {"fewlabel evaluate runs/gan --judge runs/demo", "samples beside real examples"}},
       "Examples of other data that the run learnt from are recognised by their content: those with a label are left "
       "out, the others told apart. Probes learn from the labelled examples of the data and are judged on the test "
       "set, or on examples whose labels were hidden. --judge gives Fréchet distance, precision and recall on the "
       "features of a classifier that fewlabel trained. What both find is kept in probes.json of the run and shown in "
       "its report.",
       true},
      {"predict",
       "classify examples with the model of a run",
       {{"fewlabel predict runs/demo photo.png", "CSV on standard output"},
        {"fewlabel predict runs/demo inbox --top 3 -o out.csv", "a folder, the three likeliest classes"},
        {"fewlabel predict runs/demo inbox --sort uncertainty", "the least sure first: what to look at"},
        {"fewlabel predict runs/demo inbox --format jsonl | head", "one JSON object a line"},
        {"fewlabel predict runs/x \"Who wrote Faust?\"", "a text; mails.csv, lines.txt; - is standard input"}},
       "A damaged file is named on standard error and left out; with --strict it ends the work with exit code 3. "
       "--sort uncertainty orders by the probability of the likeliest class. The columns of --all-probabilities are "
       "called p_CLASS. Of a dataset all splits are classified. Paths and classes are written as they are: let a "
       "spreadsheet read them as text. A file appears when all is done; a pipe or a device is written into as lines "
       "come.",
       true},
      {"generate",
       "draw samples from a generative method, as a data set",
       {{"fewlabel generate runs/gan --count 64 -o samples", "a folder of PNG files, and grid.png"},
        {"fewlabel generate runs/x --class dog --seed 3 -o dogs", "of one class, where it learnt classes"},
        {"fewlabel generate runs/x --format npy -o arrays", "images.npy and labels.npy"}},
       "Samples of a method that learnt classes lie in a folder for each class, so that the folder can be trained on: "
       "fewlabel train data=samples. The folder appears when all is drawn: stopped before, nothing is left.",
       true},
      {"embed",
       "write the features of every example as an array",
       {{"fewlabel embed runs/x photos -o features.npy", "names and labels go to features.csv"},
        {"fewlabel embed runs/x fashion_mnist --part test -o t.npy", "of the test set"}},
       "",
       true},
      {"report",
       "write report.html of a run again",
       {{"fewlabel report runs/demo", "prints the path of the page"}},
       "The page is one file that opens from disk and asks the network for nothing."},
      {"runs",
       "list, show, compare and tidy up runs",
       {{"fewlabel runs ls", "every run below runs/"},
        {"fewlabel runs show runs/demo", "what one run did"},
        {"fewlabel runs compare runs/a runs/b", "figures side by side, and the settings that differ"}},
       ""},
      {"runs ls",
       "list the runs in a folder",
       {{"fewlabel runs ls", ""}, {"fewlabel runs ls experiments --json", ""}},
       "On a terminal long names are cut in the middle; a file or another program gets them whole."},
      {"runs show", "status, figures, command and files of one run", {{"fewlabel runs show runs/demo", ""}}, ""},
      {"runs compare",
       "figures of several runs side by side, and the settings that differ",
       {{"fewlabel runs compare runs/a runs/b", ""},
        {"fewlabel runs compare runs/demo-sweep --markdown", "the runs of a sweep"}},
       "Runs whose plans differ in the seed alone, and in what follows from it, are one group: for groups of several "
       "runs the table ends in mean ± standard deviation. What is wider than 80 columns is folded on a terminal; a "
       "file or another program gets it whole."},
      {"runs prune",
       "remove old checkpoints of finished runs",
       {{"fewlabel runs prune", "says what would go"}, {"fewlabel runs prune --remove", "removes it"}},
       "Models, metrics and reports stay. Runs that are unfinished or in use are left alone."},
      {"methods",
       "list the methods by family, or show one with its settings",
       {{"fewlabel methods", ""}, {"fewlabel methods freematch", ""}},
       ""},
      {"recipes",
       "list the recipes that come along, or print one",
       {{"fewlabel recipes", ""}, {"fewlabel recipes fashion_mnist/demo > my.toml", "start from one"}},
       ""},
      {"encoders",
       "list the nets that somebody trained before, which training can start from",
       {{"fewlabel encoders", "installed ones and known ones, with their licences"},
        {"fewlabel train data=photos encoder=efficientnet_lite0", "start from one"},
        {"fewlabel train data=mails.csv encoder=my/model", "a Hugging Face or timm folder"}},
       "`make encoders` gets a small one for each kind of data, once. They lie in $FEWLABEL_ENCODERS, else in "
       "~/.local/share/fewlabel/encoders. Where neither net nor method is named, `train` starts from the one for the "
       "data at hand; encoder=none starts from nothing.",
       /*engine=*/false,
       /*alone=*/true},
      {"encoders get",
       "fetch one from the Hugging Face hub",
       {{"fewlabel encoders get sentence-transformers/all-MiniLM-L6-v2", "then encoder=all-MiniLM-L6-v2 is it"},
        {"fewlabel encoders get timm/tf_efficientnet_lite1.in1k --to models", "as encoder=models/…"}},
       "What is fetched is checked: whether fewlabel knows such a net, before its weights are fetched, and the SHA-256 "
       "of each large file. What Ctrl-C or a broken line leaves is gone on with by the same command; the encoder "
       "appears "
       "once it is whole. Nothing of it is executed.\n\n"
       "HF_TOKEN, for models that are gated or private, is sent to the hub alone, not to where it sends on to. "
       "HF_ENDPOINT is the address of another hub."},
      {"data",
       "look at data before training on it",
       {{"fewlabel data inspect photos", "counts, classes, sizes, damaged and duplicate files"},
        {"fewlabel data split photos@40:seed=1", "which 40 examples keep their label"}},
       ""},
      {"data inspect",
       "count examples and classes; find damaged and duplicate files",
       {{"fewlabel data inspect photos", ""},
        {"fewlabel data inspect fashion_mnist --json", "a data set that is known by name"}},
       "Reads every example once."},
      {"data split",
       "print the examples that keep their label, one a line",
       {{"fewlabel data split photos@40:seed=1 -o chosen.txt", ""},
        {"fewlabel train data=photos:labels=chosen.txt", "train with exactly these"}},
       "SPEC is DATA@N:seed=S. The choice is balanced by class and depends on the seed alone."},
      {"bench",
       "how long a training step takes here, and beside another program",
       {{"fewlabel bench fixmatch/seed_cnn", "a FixMatch step of 64 + 7 · 64 small images"},
        {"fewlabel bench fixmatch/wrn_28_2 --json", "seconds_per_step and more, for a program"},
        {"fewlabel bench freematch/cnn --batch 32 mu=5", "any METHOD/NET, on images of 28 × 28 or 64 tokens"},
        {"fewlabel bench fixmatch/wrn_28_2 --peer bench/pytorch_peer.py --rounds 5", "in turns with PyTorch"},
        {"fewlabel bench augment", "views a second and core; also: loader, checkpoint, peak"}},
       "Steps run on random pixels, so that neither data nor augmentation is timed. Known by name are "
       "fixmatch/seed_cnn, fixmatch/wrn_28_2, supervised/resnet18, simclr/resnet18, freematch/cnn, mae/vit_micro and "
       "gan/cnn. FLOP are those of convolutions and matrix products by plain sums, so that an algorithm which needs "
       "fewer can use more than the whole peak.",
       true},
      {"doctor",
       "what this machine and this build can do; paste it into an issue",
       {{"fewlabel doctor", ""}, {"fewlabel doctor --json", ""}},
       "",
       true},
      {"completion",
       "print a completion script for bash, zsh or fish",
       {{"source <(fewlabel completion bash)", "in ~/.bashrc"},
        {"source <(fewlabel completion zsh)", "in ~/.zshrc, after compinit"},
        {"fewlabel completion fish | source", "in ~/.config/fish/config.fish"}},
       ""},
      {"help",
       "help on a verb; `help config` lists every configuration key",
       {{"fewlabel help train", ""}, {"fewlabel help config", ""}},
       ""},
      {"version", "print the version", {{"fewlabel version", ""}}, ""},
  };
  return verbs;
}

const Verb* find_verb(std::string_view name) {
  for (const auto& verb : all_verbs())
    if (verb.name == name) return &verb;
  return nullptr;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : all_verbs())
    if (verb.name.find(' ') == std::string_view::npos) names.emplace_back(verb.name);
  return names;
}

std::vector<std::string> inner_names(std::string_view group) {
  std::vector<std::string> names;
  for (const auto& verb : all_verbs())
    if (verb.name.size() > group.size() && verb.name.starts_with(group) && verb.name[group.size()] == ' ')
      names.emplace_back(verb.name.substr(group.size() + 1));
  return names;
}

}  // namespace fewlabel
