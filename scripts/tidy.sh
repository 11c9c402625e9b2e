#!/bin/sh
# tidy.sh BUILD [FILE…]: clang-tidy over the files given, or over all of the modules without libtorch (a file that
# includes libtorch takes a minute, so those are checked by name).
set -eu
build=$1
shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(git ls-files 'src/core/*.cpp' 'src/data/*.cpp' 'src/modalities/*.cpp' 'src/plan/*.cpp' \
                                      'src/report/*.cpp' 'cli/*.cpp' ':!cli/engine.cpp')
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet --extra-arg=-Wno-unknown-warning-option -p "$build" 2>&1 |
  { grep -v -e 'warnings.* generated' -e 'Suppressed .* warnings' -e '^Use -header-filter' -e '^Error while processing' || true; } | tee "$build/tidy.log"
! grep -q -e ' error: ' -e ' warning: ' "$build/tidy.log"
