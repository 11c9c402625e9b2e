#!/usr/bin/env python3
"""SetFit as its authors' package does it (PyPI setfit), on the very labels of our runs.

    bench/setfit_peer.py NAME --data FOLDER [--sets trec-60,subj-20] [--seeds 0,1,2] [--encoder FOLDER] [--program fewlabel]

FOLDER as for bench/encoders.py. Its defaults are kept: 20 iterations of pairs, batches of 16, learning rate 2e-5, one epoch, then
a logistic regression. The encoder is the one that `make encoders` installs (all-MiniLM-L6-v2), which the package reads
as a folder of sentence-transformers. Needs Python with setfit, torch and transformers. The result goes to
bench/results/setfit-NAME.json.
"""
import argparse
import os
import sys
import time

from few_labels import PROGRAM, labelled_rows, made_by, parse, rows_of, spread, write_result

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("name")
parser.add_argument("--data", required=True)
parser.add_argument("--sets", default="trec-60,trec-300,subj-20,subj-100")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--encoder", default=os.path.expanduser("~/.local/share/fewlabel/encoders/minilm"))
parser.add_argument("--program", default=PROGRAM)
options = parse(parser)


def train_and_judge(rows, test, seed):
    import torch
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, models
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    begun = time.time()
    torch.manual_seed(seed)
    words = models.Transformer(options.encoder, max_seq_length=128)
    body = SentenceTransformer(modules=[words, models.Pooling(words.get_word_embedding_dimension())], device="cpu")
    classes = sorted({label for _, label in rows})
    model = SetFitModel(model_body=body, model_head=LogisticRegression(max_iter=1000), labels=classes)
    data = Dataset.from_dict({"text": [row[0] for row in rows], "label": [classes.index(row[1]) for row in rows]})
    arguments = TrainingArguments(batch_size=16, num_epochs=1, num_iterations=20, body_learning_rate=2e-5, seed=seed,
                                  report_to="none", save_strategy="no", show_progress_bar=False)
    Trainer(model=model, args=arguments, train_dataset=data).train()
    said = [str(one) for one in model.predict([row[0] for row in test])]
    return sum(a == row[1] for a, row in zip(said, test)) / len(test), time.time() - begun


def main():
    result = {**made_by(options.program), "cores": os.cpu_count(), "runs": []}
    print("| set | SetFit | seconds |\n|---|---|---|")
    for entry in options.sets.split(","):
        name, _, labels = entry.rpartition("-")
        folder = os.path.join(options.data, name)
        test = rows_of(os.path.join(folder, "test.csv"))
        found, seconds = [], []
        for seed in map(int, options.seeds.split(",")):
            rows = labelled_rows(options.program, os.path.join(folder, "train.csv"), labels, seed)
            accuracy, took = train_and_judge(rows, test, seed)
            found.append(accuracy)
            seconds.append(took)
            result["runs"].append({"set": entry, "seed": seed, "accuracy": accuracy, "seconds": took})
            print(f"  {entry} seed {seed}: {100 * accuracy:.1f} in {took:.0f} s", file=sys.stderr, flush=True)
        print(f"| {entry} | {spread(found)} | {sum(seconds) / len(seconds):.0f} |", flush=True)
    write_result(f"setfit-{options.name}", result)


main()
