# The bridge's firmware: built, and run on an emulated Cortex-M3 with its UART on a pty. Sourced after lib.sh.

FW_TARGET=thumbv7m-none-eabi
FW_DIR=firmware-bridge/firmware
FW_BIN=$FW_DIR/target/$FW_TARGET/release/tilld-bridge-firmware
FW_FLASH=$((48 * 1024))
FW_TRIPS=${FW_TRIPS:-10000}
FW_QEMU=

# Builds with the toolchain that is there, if rustup has or can add the target; else with Debian's, which brings the library's source.
# FW_TOOLCHAIN=debian takes the second way at once.
firmware_build() {
  if [ "${FW_TOOLCHAIN:-}" != debian ] && have rustup && timeout 120 rustup target add $FW_TARGET >/dev/null 2>&1; then
    say "building with $(rustc -V)"
    (cd $FW_DIR && cargo build --release --locked --target $FW_TARGET --target-dir target)
    return
  fi
  if ! { [ -x /usr/bin/cargo ] && have arm-none-eabi-ld && ls -d /usr/src/rustc-*/library >/dev/null 2>&1; }; then
    apt_install rustc-web cargo-web rust-web-src binutils-arm-none-eabi ||
      skip firmware "no Rust for $FW_TARGET: rustup cannot add it, and Debian's rustc-web cannot be installed"
  fi
  say "building with Debian's $(/usr/bin/rustc -V)"
  (cd $FW_DIR && env -u RUSTUP_TOOLCHAIN -u CARGO_ENCODED_RUSTFLAGS -u CARGO_TARGET_DIR PATH="/usr/bin:$PATH" RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-C linker=arm-none-eabi-ld" \
    /usr/bin/cargo build --release --locked -Zbuild-std=core --target $FW_TARGET --target-dir target)
}

# What lies in flash: the file's parts of all loaded segments.
firmware_flash() {
  local sum=0 size
  while read -r size; do sum=$((sum + size)); done < <(readelf -lW $FW_BIN | awk '$1 == "LOAD" {print $5}')
  echo $sum
}

# Builds it, looks at its size, starts it: FW_PTY is its port, FW_QEMU its process.
firmware_start() {
  have readelf || apt_install binutils || skip firmware "no readelf (package binutils)"
  have qemu-system-arm || apt_install qemu-system-arm || skip firmware "no qemu-system-arm, and it cannot be installed"
  firmware_build
  local flash log tries
  flash=$(firmware_flash)
  say "flash: $flash bytes of $FW_FLASH"
  [ "$flash" -gt 0 ] && [ "$flash" -le $FW_FLASH ] || { say "firmware: too large"; return 1; }
  log=$(mktemp)
  qemu-system-arm -M lm3s6965evb -nographic -monitor none -serial pty -kernel $FW_BIN </dev/null >"$log" 2>&1 &
  FW_QEMU=$!
  FW_PTY=
  for tries in $(seq 50); do
    FW_PTY=$(grep -o '/dev/pts/[0-9]*' "$log" || true)
    [ -n "$FW_PTY" ] && break
    kill -0 $FW_QEMU 2>/dev/null || { cat "$log" >&2; return 1; }
    sleep 0.1
  done
  rm -f "$log"
  [ -n "$FW_PTY" ] || { say "qemu offers no pty after $tries tries"; return 1; }
  stty -F "$FW_PTY" raw -echo
}

firmware_stop() {
  [ -z "$FW_QEMU" ] || kill "$FW_QEMU" 2>/dev/null || true
  FW_QEMU=
}

# The firmware by itself: round trips on a spoiled line, then a whole sale with this machine's daemon.
firmware() {
  trap firmware_stop EXIT
  firmware_start
  cargo build --quiet -p tilld-bridge --example round_trips
  local bin
  bin=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/debug/examples/round_trips
  timeout 300 "$bin" "$FW_PTY" "$FW_TRIPS" 1
  # The daemon itself: signs on through the firmware's keys, arms its reader, opens its drawer, settles.
  TILLD_BRIDGE_PORT="$FW_PTY" cargo test --quiet --test hardware -- --ignored --exact \
    firmware::a_whole_sale_with_keys_that_only_the_firmware_holds
  echo "firmware: ok"
}
