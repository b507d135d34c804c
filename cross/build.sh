#!/usr/bin/env bash
# Builds tilld for a machine: `cross/build.sh armv7|aarch64|x86_64 [--deb]`. One static binary at target/<triple>/release/tilld; with --deb also a
# package beside it. Works where rustup has the target, and on Debian without rustup; the same sources and compiler give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/lib.sh

usage() {
  say "usage: cross/build.sh armv7|aarch64|x86_64 [--deb]"
  exit 64
}

LIMIT=$((6 * 1000 * 1000))

[ $# -ge 1 ] && machine "$1" || usage
case "${2:-}" in
  "" | --deb) ;;
  *) usage ;;
esac

have_compiler device || {
  say "$1: needs Rust for $TRIPLE: rustup cannot add it, and Debian's rustc-web, or zig from PyPI, cannot be installed"
  exit 69
}
say "building with $("$RUSTC" -V), zig $ZIG_VERSION"
cross build --release --config cross/device.toml --locked --bin tilld

binary=$TARGET_DIR/$TRIPLE/release/tilld
size=$(stat -c %s "$binary")
if have readelf && readelf -lW "$binary" | grep -q INTERP; then
  say "$binary: not static"
  exit 70
fi
# Said here; what fails on it is `.ci/long`, after everything else has been looked at.
[ "$size" -le $LIMIT ] || say "LARGER THAN IT MAY BE: $size bytes of $LIMIT"
say "$size bytes of $LIMIT, sha256 $(sha256sum <"$binary" | cut -d' ' -f1)"
printf '%s\n' "$binary"

if [ "${2:-}" = --deb ]; then
  cross/deb.sh "$1"
fi
