#!/usr/bin/env python3
"""Writes docs/methods/README.md: every method by family, from `fewlabel methods --json` on standard input.

The idea of a method, one line, is kept from the page as it stands; a method without one is an error.
Usage: fewlabel methods --json | method_table.py OLD_PAGE >NEW_PAGE
"""
import json
import re
import sys

FAMILIES = [
    ("supervised", "Supervised", "The labels in hand and nothing else."),
    ("frozen", "Frozen", "A net that somebody trained stays as it is; a head learns from what it sees."),
    ("tuned", "Tuned", "A net that somebody trained is tuned on pairs of examples, all at once, and a head learns from what it then sees."),
    ("semi/correcting", "Correcting", "Semi-supervised: L(θ) = Σ L(yᵢ, ŷᵢ) + λ R(θ)."),
    ("semi/generative", "Generative", "Semi-supervised: p_θ(x) = Π p_θ(xᵢ), and what it generates."),
    ("self/autoencoding", "Autoencoding", "Self-supervised: min Σ ‖x − G_φ(E_θ(x))‖²."),
    ("self/adversarial", "Adversarial", "Self-supervised: min_θ max_φ E log D_φ(x) + E log(1 − D_φ(G_θ(z)))."),
    ("self/joint_embedding", "Joint embedding", "Self-supervised: two views of one example must agree."),
]


def paper(text):
    if text.startswith("arXiv:"):
        return f"[{text}](https://arxiv.org/abs/{text[6:]})"
    return text


def main():
    methods = json.load(sys.stdin)
    ideas = dict(re.findall(r"^\| \[`(\w+)`\]\([^)]*\) \| [^|]* \| ([^|]*) \|", open(sys.argv[1], encoding="utf-8").read(), re.M))
    lost = [m["name"] for m in methods if m["name"] not in ideas]
    lost += [m["name"] for m in methods if m["family"] not in [f[0] for f in FAMILIES]]
    if lost:
        sys.exit(f"docs/methods/README.md has no idea (or this script no family) for {', '.join(lost)}")
    print("# Methods\n")
    baselines = sum(m["family"] == "supervised" for m in methods)
    print(f"{len(methods) - baselines} methods in {len(FAMILIES) - 1} families, and the baselines. Each page has the formula, every key,")
    print("the differences from the paper and what was measured. How to choose: [docs/README.md](../README.md).")
    print("`make docs` writes this page.")
    for family, title, formula in FAMILIES:
        print(f"\n## {title}\n\n{formula}\n\n| method | name | idea | paper |\n|---|---|---|---|")
        for m in methods:
            if m["family"] == family:
                print(f"| [`{m['name']}`]({m['name']}.md) | {m['title']} | {ideas[m['name']].strip()} | {paper(m['paper'])} |")


main()
