# What the scripts of this folder share: where things come from, and the compiler for another machine. Sourced, not run; the caller stands in
# the repository's root and has `set -euo pipefail`.

say() { printf '%s\n' "$*" >&2; }

skip() { # part, reason: says so loudly and stops with 0
  say ""
  say "  ############################################################"
  say "  # $1: SKIPPED: $2"
  say "  ############################################################"
  say ""
  exit 0
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages; false where there is no apt, no right, or no network.
apt_install() {
  have apt-get || return 1
  local as=()
  if [ "$(id -u)" != 0 ]; then
    have sudo && sudo -n true 2>/dev/null || return 1
    as=(sudo -n)
  fi
  say "installing: $*"
  "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1 && return 0
  "${as[@]}" apt-get update >/dev/null 2>&1 &&
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null 2>&1
}

# --- machines -------------------------------------------------------------------------------------------------------------

# `machine armv7` sets TRIPLE, QEMU (the emulator that runs its programs; empty: this machine does itself) and DEB (Debian's word for it).
machine() {
  case "$1" in
    armv7) TRIPLE=armv7-unknown-linux-musleabihf QEMU=qemu-arm DEB=armhf ;;
    aarch64) TRIPLE=aarch64-unknown-linux-musl QEMU=qemu-aarch64 DEB=arm64 ;;
    x86_64) TRIPLE=x86_64-unknown-linux-musl QEMU=qemu-x86_64 DEB=amd64 ;;
    *) return 1 ;;
  esac
  [ "$(uname -m)" != "$1" ] || QEMU=
}

have_emulator() { [ -z "$QEMU" ] || have "$QEMU" || apt_install qemu-user; }

# --- compiler -------------------------------------------------------------------------------------------------------------

ZIG_VERSION=0.13.0
ZIGBUILD_VERSION=0.24.1

# zig is C compiler and linker for every machine; it comes from PyPI into a folder of its own. CROSS_TOOLS names another.
have_zig() {
  local home=${CROSS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/tilld-cross}
  ZIGBUILD=$home/bin/cargo-zigbuild
  export CARGO_ZIGBUILD_PYTHON_PATH=$home/bin/python3
  "$ZIGBUILD" zigbuild --help >/dev/null 2>&1 && "$home/bin/python3" -m ziglang version >/dev/null 2>&1 && return 0
  have python3 || apt_install python3 || return 1
  say "fetching zig $ZIG_VERSION into $home"
  { python3 -m venv "$home" >/dev/null 2>&1 || { apt_install python3-venv && python3 -m venv "$home"; }; } &&
    "$home/bin/pip" install --quiet "ziglang==$ZIG_VERSION" "cargo-zigbuild==$ZIGBUILD_VERSION"
}

# The toolchain that is there, if rustup has or can add the target; else Debian's. For a device the library is built with the program: as small, and
# without the tables and names that the ready-made one brings. Debian's brings no other. CROSS_TOOLCHAIN=debian takes the second way at once.
# Sets CARGO, RUSTC and STD (flags).
have_rust_for() { # triple, device or nothing
  STD=()
  local build_std=(-Zbuild-std=std,panic_abort,panic_unwind -Zbuild-std-features=optimize_for_size,panic-unwind)
  if [ "${CROSS_TOOLCHAIN:-}" != debian ] && have rustup &&
    { rustup target list --installed 2>/dev/null | grep -qx "$1" || timeout 120 rustup target add "$1" >/dev/null 2>&1; }; then
    CARGO=$(rustup which cargo) RUSTC=$(rustup which rustc)
    if [ "${2:-}" = device ] && { [ -d "$("$RUSTC" --print sysroot)/lib/rustlib/src/rust/library" ] || timeout 120 rustup component add rust-src >/dev/null 2>&1; }; then
      STD=("${build_std[@]}")
      export RUSTC_BOOTSTRAP=1
    fi
    return
  fi
  if ! { [ -x /usr/bin/cargo ] && ls -d /usr/src/rustc-*/library >/dev/null 2>&1; }; then
    apt_install rustc-web cargo-web rust-web-src || return 1
  fi
  CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc STD=("${build_std[@]}")
  export RUSTC_BOOTSTRAP=1
  unset RUSTUP_TOOLCHAIN
}

# Makes ready to compile for TRIPLE; after this, `cross build …` and `cross test …` are cargo's. No path of this machine gets into what it makes,
# so that two folders give the same bytes.
have_compiler() { # device, for what is installed; nothing for tests, which unwind
  have_zig || return 1
  have_rust_for "$TRIPLE" "${1:-}" || return 1
  export CARGO RUSTC CARGO_INCREMENTAL=0
  export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
  PATH=$(dirname "$CARGO"):$PATH
  TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
  export CARGO_TARGET_DIR=$TARGET_DIR
  local cargo_home flags small="" under=${TRIPLE//-/_}
  cargo_home=$(realpath -m "${CARGO_HOME:-$HOME/.cargo}")
  # Nothing unwinds in what is built for a device (cross/device.toml): no tables for it. A program at a fixed place needs no list of relocations.
  flags=(-Clink-self-contained=no -Ctarget-feature=+crt-static -Crelocation-model=static "--remap-path-prefix=$PWD=/tilld"
    "--remap-path-prefix=$TARGET_DIR=/target" "--remap-path-prefix=$cargo_home=/cargo")
  [ ${#STD[@]} -gt 0 ] || flags=("${flags[@]:1}")
  if [ "${1:-}" = device ]; then
    # What functions have in common is made one, as the compiler does by itself for aarch64. A panic says its file and its message; the line of each
    # would take a sixtieth of the program.
    flags+=(-Cforce-unwind-tables=no -Cllvm-args=-enable-machine-outliner=always)
    [ ${#STD[@]} -eq 0 ] || flags+=(-Zlocation-detail=file)
    # Everything is made small a second time. What is outlined must not be outlined again (-machine-outliner-reruns): a Thumb program then never ends.
    flags+=("-Cpasses=default<Oz> name-anon-globals" "-Cllvm-args=-split-spill-mode=size -tail-merge-size=2")
    case $DEB in
      # A shorter code.
      armhf) flags+=(-Ctarget-feature=+thumb-mode "-Clink-arg=$(start_aligned)") ;;
      # Addresses from a frame's pointer are shorter than from the stack's; tables of jumps have eight bytes an entry.
      # C for size, too: zig takes its -Oz for -Os.
      amd64)
        flags+=(-Cforce-frame-pointers=yes -Cllvm-args=-min-jump-table-entries=40)
        small="-Xclang -Oz"
        ;;
    esac
  fi
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f'; printf '%s' "${flags[*]}")
  export CARGO_ENCODED_RUSTFLAGS
  export "CFLAGS_$under=-ffile-prefix-map=$PWD=/tilld -ffile-prefix-map=$TARGET_DIR=/target -ffile-prefix-map=$cargo_home=/cargo -g0 -fno-unwind-tables -fno-asynchronous-unwind-tables $small"
  # As in .cargo/config.toml, and without what of SQLite no statement of ours uses.
  export LIBSQLITE3_FLAGS="-DHAVE_FDATASYNC=1 -USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_SOUNDEX
    -USQLITE_ENABLE_STAT4 -USQLITE_ENABLE_COLUMN_METADATA -USQLITE_ENABLE_API_ARMOR -USQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_JSON
    -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_OMIT_UTF16 -DSQLITE_OMIT_GET_TABLE -DSQLITE_OMIT_COMPLETE
    -DSQLITE_OMIT_DATETIME_FUNCS -DSQLITE_OMIT_TCL_VARIABLE -DSQLITE_OMIT_TRACE"
}

# The C library's `_init` and `_fini` are of four-byte instructions and say nothing of it: after a text of two-byte ones they would begin in the middle
# of one. An object that says it for them; prints where it lies.
start_aligned() {
  local object=$TARGET_DIR/start-aligned.o
  mkdir -p "$TARGET_DIR"
  printf '.section %s,"ax",%%progbits\n.p2align 2\n' .init .fini |
    "$CARGO_ZIGBUILD_PYTHON_PATH" -m ziglang cc -target arm-linux-musleabihf -g0 -c -x assembler - -o "$object" && printf '%s' "$object"
}

cross() { # build|test, arguments
  local verb=$1
  shift
  [ "$verb" = test ] || verb=zigbuild
  "$ZIGBUILD" "$verb" --target "$TRIPLE" "${STD[@]}" "$@"
}
