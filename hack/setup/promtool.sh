#!/bin/sh
# Prints the folder of a promtool for the tests: the one on PATH, or Debian's, which is
# unpacked into the user's cache and not installed. Prints nothing where there is neither;
# the tests that need it then skip and say so.
set -eu

if found=$(command -v promtool); then
    dirname "$found"
    exit
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/powertrain/promtool
if [ ! -x "$cache/promtool" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    # Package lists may be missing on a new machine, and only root can fetch them.
    apt-get download -qq prometheus >/dev/null 2>&1 ||
        { [ "$(id -u)" = 0 ] && apt-get update -qq >/dev/null 2>&1 && apt-get download -qq prometheus >/dev/null 2>&1; } ||
        { echo "setup: Debian's package prometheus cannot be had; the tests that need promtool skip" >&2; exit 0; }
    dpkg-deb -x ./*.deb unpacked
    mkdir -p "$cache"
    mv unpacked/usr/bin/promtool "$cache/promtool.$$"
    mv "$cache/promtool.$$" "$cache/promtool"
fi
[ ! -x "$cache/promtool" ] || echo "$cache"
