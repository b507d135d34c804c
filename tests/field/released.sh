#!/usr/bin/env bash
# Builds the released 0.1.0 beside this tree's program, and puts the one over the other's day and back: tests/field/upgrade.py. Needs the history.
set -euo pipefail
cd "$(dirname "$0")/../.."
released=${TILLD_RELEASED:-7938f13}
if [ -z "${TILLD_OLD:-}" ]; then
  git cat-file -e "$released^{commit}" 2>/dev/null || { echo "SKIPPED: the commit of 0.1.0, $released, is not in this clone" >&2; exit 0; }
  old=$(mktemp -d)
  trap 'git worktree remove --force "$old/tree"; rm -rf "$old"' EXIT
  git worktree add --quiet --detach "$old/tree" "$released"
  (cd "$old/tree" && cargo build --release --locked --quiet --target-dir "$OLDPWD/target/released")
  TILLD_OLD=target/released/release/tilld
fi
[ -n "${TILLD_NEW:-}" ] || { cargo build --release --locked --quiet && TILLD_NEW=target/release/tilld; }
python3 tests/field/upgrade.py "$TILLD_OLD" "$TILLD_NEW"
