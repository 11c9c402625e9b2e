#!/bin/sh
# update_docs.sh FEWLABEL [--check]: writes the pages that the program itself knows best. With --check it writes nothing
# and fails when a page differs from what the program says.
set -eu
program=$(realpath "$1")
check=${2:-}
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

"$program" help --markdown >"$fresh/cli.md"
"$program" help config --markdown >"$fresh/configuration.md"
"$program" methods --json | python3 scripts/method_table.py docs/methods/README.md >"$fresh/methods.md"
mkdir "$fresh/methods" && mv "$fresh/methods.md" "$fresh/methods/README.md"
for page in cli.md configuration.md methods/README.md; do
  if [ "$check" != --check ]; then
    cp "$fresh/$page" "docs/$page"
  elif ! diff -u "docs/$page" "$fresh/$page"; then
    echo "docs/$page is not what the program says; 'make docs' writes it anew" >&2
    exit 1
  fi
done
