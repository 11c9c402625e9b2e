#!/bin/sh
# install_packages.sh LIST… : installs the Debian packages that the lists name. When all are there it touches neither
# the network nor root; otherwise it says what it installs and uses sudo when it is not root.
set -eu

wanted=$(sed 's/#.*//' "$@" | tr -s ' \t\n' '\n' | sed '/^$/d')
missing=
for package in $wanted; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "fewlabel: these packages are missing and apt-get is not here to install them:$missing" >&2
  echo "  README.md, 'Other systems', says what to install by hand." >&2
  exit 1
fi
root=
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "fewlabel: these packages are missing:$missing" >&2
    echo "  Run 'make deps' once as root (there is no sudo here)." >&2
    exit 1
  fi
  root=sudo
fi

echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# A failing update is no reason to stop: the packages may be known, or on a local medium.
$root apt-get update -q || echo "fewlabel: apt-get update failed; going on with the lists that are there" >&2
unknown=
for package in $missing; do
  apt-cache show "$package" >/dev/null 2>&1 || unknown="$unknown $package"
done
if [ -n "$unknown" ]; then
  echo "fewlabel: the archives of this system, as apt knows them, have no$unknown (wanted by $*)" >&2
  echo "  README.md, 'Other systems', and CONTRIBUTING.md say which releases have what." >&2
  exit 1
fi
# shellcheck disable=SC2086
if ! $root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing; then
  echo "fewlabel: apt-get could not install:$missing" >&2
  echo "  Is the network up? 'apt-get update' and the lines above say more." >&2
  exit 1
fi
