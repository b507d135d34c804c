#!/usr/bin/env bash
# Runs tests on another machine's processor: `cross/test.sh armv7|aarch64 [TEST …]`, emulated by qemu-user. Without names: the unit tests and those
# integration tests that start no other process (an emulated program cannot). It installs from Debian and PyPI what is missing where it may; where it
# may not, it says so loudly and stops with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
. cross/lib.sh

[ $# -ge 1 ] && machine "$1" || { say "usage: cross/test.sh armv7|aarch64 [TEST ...]"; exit 64; }
name=$1
shift
have_emulator || skip "tests on $name" "no $QEMU, and it cannot be installed"
have_compiler || skip "tests on $name" "no Rust for $TRIPLE, or no zig: neither rustup, Debian nor PyPI can be reached"
[ $# -gt 0 ] || set -- day_scenarios frozen cross_foot
which=(--lib)
for test in "$@"; do which+=(--test "$test"); done
runner=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$TRIPLE")_RUNNER
export "$runner=$QEMU"
say "tests on $name: $("$RUSTC" -V), $($QEMU --version | head -1)"
cross test --profile cross-test --locked --quiet "${which[@]}"
