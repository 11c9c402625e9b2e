#!/bin/bash
# try_on.sh SUITE [OPTIONS]: the README's commands on a bare Debian of another release, in a root made for that.
# `--help` says more. Needs root, debootstrap and the network; nothing is installed or changed outside of that root.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'END'
scripts/try_on.sh SUITE [OPTIONS]: makes a bare Debian (debootstrap), puts the last commit and nothing but git and make
into it, runs `make demo` and `make test` there, and prints what came out.

  SUITE           bookworm (Debian 12), trixie (Debian 13), or another that debootstrap knows
  --only WHAT     build, demo or test: that command alone
  --root DIR      where the root lies, which is then kept; one that is there already is used again, with the new commit
  --keep          keep the root
  --ccache DIR    a compiler cache that outlives the root
  --logs DIR      where the output goes; build/try_on/SUITE by default
  --mirror URL    of Debian's archive; otherwise the first one in apt's own configuration that has SUITE
END
}

fail() {
  printf 'try_on: %s\n' "$@" >&2
  exit 1
}

suite='' only='' root='' keep=no ccache='' logs='' mirror=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit ;;
    --keep) keep=yes ;;
    --only | --root | --ccache | --logs | --mirror)
      [ $# -gt 1 ] || fail "$1 wants a value"
      declare "${1#--}=$2"
      shift
      ;;
    -*) fail "unknown option '$1'; --help lists them" ;;
    *)
      [ -z "$suite" ] || fail "'$1' is one word too many"
      suite=$1
      ;;
  esac
  shift
done
[ -n "$suite" ] || { usage >&2 && exit 2; }
case ${only:-build} in build | demo | test) ;; *) fail "--only $only: wanted build, demo or test" ;; esac
[ "$(id -u)" = 0 ] || fail "only root may make a root file system and change into it"
for tool in debootstrap git unshare chroot; do
  command -v "$tool" >/dev/null || fail "$tool is missing (on Debian: apt-get install debootstrap git util-linux)"
done
[ -z "$(git status --porcelain)" ] || echo "try_on: what is not committed is left out" >&2

# The archive and the settings of the network are the host's own, as apt knows them.
find_mirror() {
  local site probe
  probe=$(mktemp)
  for site in $(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | sort -u); do
    if /usr/lib/apt/apt-helper download-file "$site/dists/$suite/Release" "$probe" >/dev/null 2>&1; then
      rm -f "$probe"
      echo "$site"
      return
    fi
  done
  rm -f "$probe"
  return 1
}
if [ -z "$mirror" ]; then
  mirror=$(find_mirror) || fail "no archive in apt's configuration has $suite; name one by --mirror"
fi
eval "$(apt-config shell proxy_http Acquire::http::Proxy proxy_https Acquire::https::Proxy)"
export http_proxy=${http_proxy:-${proxy_http:-}} https_proxy=${https_proxy:-${proxy_https:-}} no_proxy=${no_proxy:-}

logs=${logs:-build/try_on/$suite}
mkdir -p "$logs"
logs=$(realpath "$logs")
repository=$PWD
if [ -n "$root" ]; then
  keep=yes
  mkdir -p "$root"
  root=$(realpath "$root")
else
  root=$(mktemp -d "${TMPDIR:-/var/tmp}/fewlabel-$suite-XXXXXX")
fi
if [ -n "$ccache" ]; then
  mkdir -p "$ccache"
  ccache=$(realpath "$ccache")
fi

# step NAME COMMAND…: its output goes to a log; prints how long it took, and the log's end when it failed.
step() {
  local name=$1 begin=$SECONDS status=0
  shift
  printf '%-10s … ' "$name"
  "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
  printf '%d s%s\n' $((SECONDS - begin)) "$([ "$status" = 0 ] || echo ", FAILED ($status); the end of $logs/$name.log:")"
  echo $((SECONDS - begin)) >"$logs/$name.seconds"
  [ "$status" = 0 ] || { tail -n 25 "$logs/$name.log" && return "$status"; }
}

bootstrap() {
  local extra=()
  case $mirror in https:*) extra=(--include=ca-certificates) ;; esac
  debootstrap --variant=minbase "${extra[@]}" "$suite" "$root" "$mirror"
}

# inside COMMAND…: in the root, with nothing of this environment but the network's proxies.
inside() {
  chroot "$root" /usr/bin/env -i HOME=/root USER=root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
    ${https_proxy:+https_proxy="$https_proxy"} ${no_proxy:+no_proxy="$no_proxy"} \
    ${ccache:+CCACHE_DIR=/root/ccache} sh -c 'cd /root/fewlabel && "$@"' sh "$@"
}

git_and_make() { inside apt-get update -q && inside apt-get install -q -y --no-install-recommends git make; }

# The last commit, as a clone; build/ of an earlier try stays.
take_commit() {
  local clone=$root/root/fewlabel
  git init -q "$clone" && git -C "$clone" fetch -q --depth 1 "$repository" HEAD &&
    git -C "$clone" checkout -q --force --detach FETCH_HEAD
}

# Runs with mounts and process numbers of its own: whatever ends it, nothing of it stays mounted or running.
try() {
  [ -x "$root/bin/sh" ] || step debootstrap bootstrap
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mkdir -p "$root/root/fewlabel"
  if [ -n "$ccache" ]; then
    mkdir -p "$root/root/ccache"
    mount --bind "$ccache" "$root/root/ccache"
  fi
  cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
  apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' >"$root/etc/apt/apt.conf.d/90host" || true
  step bare git_and_make
  step commit take_commit
  local what
  for what in ${only:-demo test}; do step "$what" inside make "$what"; done
}

# figures: one line of the table, from what the root now holds.
figures() {
  local summary=$root/root/fewlabel/runs/demo/summary.json tests
  version() {
    { chroot "$root" dpkg-query -W -f '${Version}\n' "$1" 2>/dev/null || echo -; } | sed 's/^[0-9]*://; s/\(.\)[-+].*/\1/'
  }
  figure() { { grep -o "\"$1\": *[0-9.]*" "$summary" 2>/dev/null || true; } | sed 's/.*: *//' | head -n 1; }
  percent() { awk -v share="$(figure "$1")" 'BEGIN { if (share == "") print "-"; else printf "%.1f %%\n", 100 * share }'; }
  minutes() { awk -v s="$1" 'BEGIN { if (s == "") print "-"; else printf "%d:%02d\n", int(s / 60), int(s % 60) }'; }
  tests=$(sed -n 's/.*tests passed, \([0-9]*\) tests* failed out of \([0-9]*\).*/\1 \2/p' "$logs/test.log" 2>/dev/null |
    awk 'END { if (NR) printf "%d of %d\n", $2 - $1, $2 }')
  printf '%-10s %-9s %-8s %-8s %-10s %-9s %-9s %-13s %s\n' "$suite" "$(version libtorch-dev)" "$(version g++)" \
    "$(version libcli11-dev)" "$(minutes "$(cat "$logs/demo.seconds" 2>/dev/null || true)")" \
    "$(minutes "$(figure train_seconds)")" "$(percent accuracy)" "$(percent supervised_accuracy)" "${tests:--}"
}

remove_root() {
  [ "$keep" = no ] || return 0
  # Nothing can be mounted there; should it be nevertheless, the root stays.
  if grep -qF " $root/" /proc/self/mountinfo; then
    echo "try_on: something is mounted below $root, which therefore stays" >&2
    return 0
  fi
  rm -rf --one-file-system "$root"
}
trap remove_root EXIT

rm -f "$logs"/*.log "$logs"/*.seconds "$logs/figures"
echo "$suite, commit $(git rev-parse --short HEAD), $(nproc) cores, $(date -u '+%F %R') UTC; output: $logs"
export suite only root ccache logs mirror repository
unshare --mount --propagation private --pid --fork --kill-child \
  bash -c "set -euo pipefail; $(declare -f step bootstrap inside git_and_make take_commit try); try" &
runner=$!
# The first process of the new numbers takes all others with it.
stop() {
  trap '' INT TERM HUP
  # shellcheck disable=SC2046
  kill -KILL $(cat "/proc/$runner/task/$runner/children") 2>/dev/null || kill -KILL "$runner" 2>/dev/null || true
  wait "$runner" || true
  exit "$1"
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM
status=0
wait "$runner" || status=$?

figures >"$logs/figures"
printf '\n%-10s %-9s %-8s %-8s %-10s %-9s %-9s %-13s %s\n' suite libtorch g++ CLI11 'make demo' training accuracy \
  'labels alone' 'tests passed'
cat "$(dirname "$logs")"/*/figures
[ "$keep" = no ] || echo "The root stays: $root"
exit "$status"
