#!/usr/bin/env bash
# The rig runner: what needs tools beyond Rust and a C compiler. `cross/rig.sh firmware` builds the bridge's firmware and runs it on an
# emulated Cortex-M3. It installs from Debian what is missing where it may; where it may not, it says so loudly and stops with 0.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

skip() { # part, reason
  say ""
  say "  ############################################################"
  say "  # $1: SKIPPED: $2"
  say "  ############################################################"
  say ""
  exit 0
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages; false where there is no apt, no right, or no network.
install() {
  have apt-get || return 1
  local as=()
  if [ "$(id -u)" != 0 ]; then
    have sudo && sudo -n true 2>/dev/null || return 1
    as=(sudo -n)
  fi
  say "installing: $*"
  "${as[@]}" apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 && return 0
  "${as[@]}" apt-get update >/dev/null 2>&1 && "${as[@]}" apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1
}

# --- firmware -------------------------------------------------------------------------------------------------------------

FW_TARGET=thumbv7m-none-eabi
FW_DIR=firmware-bridge/firmware
FW_BIN=$FW_DIR/target/$FW_TARGET/release/tilld-bridge-firmware
FW_FLASH=$((48 * 1024))
FW_TRIPS=${FW_TRIPS:-10000}

# Builds with the toolchain that is there, if rustup has or can add the target; else with Debian's, which brings the library's source.
# FW_TOOLCHAIN=debian takes the second way at once.
firmware_build() {
  if [ "${FW_TOOLCHAIN:-}" != debian ] && have rustup && timeout 120 rustup target add $FW_TARGET >/dev/null 2>&1; then
    say "building with $(rustc -V)"
    (cd $FW_DIR && cargo build --release --locked --target $FW_TARGET --target-dir target)
    return
  fi
  if ! { [ -x /usr/bin/cargo ] && have arm-none-eabi-ld && ls -d /usr/src/rustc-*/library >/dev/null 2>&1; }; then
    install rustc-web cargo-web rust-web-src binutils-arm-none-eabi ||
      skip firmware "no Rust for $FW_TARGET: rustup cannot add it, and Debian's rustc-web cannot be installed"
  fi
  say "building with Debian's $(/usr/bin/rustc -V)"
  (cd $FW_DIR && env -u RUSTUP_TOOLCHAIN PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C linker=arm-none-eabi-ld" \
    /usr/bin/cargo build --release --locked -Zbuild-std=core --target $FW_TARGET --target-dir target)
}

# What lies in flash: the file's parts of all loaded segments.
firmware_flash() {
  local sum=0 size
  while read -r size; do sum=$((sum + size)); done < <(readelf -lW $FW_BIN | awk '$1 == "LOAD" {print $5}')
  echo $sum
}

firmware() {
  have readelf || install binutils || skip firmware "no readelf (package binutils)"
  have qemu-system-arm || install qemu-system-arm || skip firmware "no qemu-system-arm, and it cannot be installed"
  firmware_build
  local flash
  flash=$(firmware_flash)
  say "flash: $flash bytes of $FW_FLASH"
  [ "$flash" -gt 0 ] && [ "$flash" -le $FW_FLASH ] || { say "firmware: too large"; exit 1; }
  cargo build --quiet -p tilld-bridge --example round_trips
  local bin
  bin=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/examples/round_trips

  FW_LOG=$(mktemp)
  qemu-system-arm -M lm3s6965evb -nographic -monitor none -serial pty -kernel $FW_BIN </dev/null >"$FW_LOG" 2>&1 &
  FW_QEMU=$!
  trap 'kill $FW_QEMU 2>/dev/null || true; rm -f "$FW_LOG"' EXIT
  local pty="" tries
  for tries in $(seq 50); do
    pty=$(grep -o '/dev/pts/[0-9]*' "$FW_LOG" || true)
    [ -n "$pty" ] && break
    kill -0 $FW_QEMU 2>/dev/null || { cat "$FW_LOG" >&2; exit 1; }
    sleep 0.1
  done
  [ -n "$pty" ] || { say "qemu offers no pty after $tries tries"; exit 1; }
  stty -F "$pty" raw -echo
  timeout 300 "$bin" "$pty" "$FW_TRIPS" 1
  # The daemon itself: signs on through the firmware's keys, arms its reader, opens its drawer, settles.
  TILLD_BRIDGE_PORT="$pty" cargo test --quiet --test hardware -- --ignored --exact \
    firmware::a_whole_sale_with_keys_that_only_the_firmware_holds
  echo "firmware: ok"
}

case "${1:-}" in
  firmware) firmware ;;
  *)
    say "usage: cross/rig.sh firmware"
    exit 64
    ;;
esac
