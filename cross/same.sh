#!/usr/bin/env bash
# The same sources give the same program, wherever they lie: `cross/same.sh armv7|aarch64|x86_64` builds the commit twice, in two new folders with
# target folders and clocks of their own, and compares.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/lib.sh
[ $# = 1 ] && machine "$1" || { say "usage: cross/same.sh armv7|aarch64|x86_64"; exit 64; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
hashes=()
for folder in one another/and-deeper; do
  mkdir -p "$place/$folder"
  git clone --quiet --no-hardlinks . "$place/$folder/tree"
  program=$(cd "$place/$folder/tree" && env -u CARGO_TARGET_DIR cross/build.sh "$1")
  if LC_ALL=C grep -q -F -e "$place" -e "${CARGO_HOME:-$HOME/.cargo}" "$program"; then
    say "$program names folders of this machine"
    exit 1
  fi
  hashes+=("$(sha256sum <"$program" | cut -d' ' -f1)")
done
[ "${hashes[0]}" = "${hashes[1]}" ] || { say "two programs: ${hashes[*]}"; exit 1; }
echo "$1: two builds, one program: ${hashes[0]}"
