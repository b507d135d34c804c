#!/usr/bin/env bash
# Makes preact.js again: preact with its hooks and htm, as one module that needs nothing else. Needs npm.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-save --no-package-lock preact@11.2.0 htm@3.1.1 esbuild@0.28.2
cat >entry.mjs <<'JS'
export { h, render, Fragment, createContext } from 'preact';
export { useState, useEffect, useLayoutEffect, useMemo, useRef, useCallback, useContext, useId } from 'preact/hooks';
import { h } from 'preact';
import htm from 'htm';
export const html = htm.bind(h);
JS
npx esbuild entry.mjs --bundle --minify --format=esm --target=es2022 --legal-comments=none --log-level=warning \
    --banner:js="/*! preact 11.2.0 (MIT) and htm 3.1.1 (Apache-2.0), bundled unchanged: see LICENSES.txt */" --outfile="$here/preact.js"
