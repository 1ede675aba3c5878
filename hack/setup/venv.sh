#!/bin/sh
# Makes .venv with what requirements/dev.txt pins and Powertrain itself in it,
# or does nothing, in a few milliseconds, when it is there and current.
#
# Needs a Python of at least 3.11, found on PATH or named by PYTHON. Two runs at
# once wait for each other; a run that was interrupted is done again.
set -eu
cd "$(dirname "$0")/../.."
venv=.venv
stamp=$venv/made-from

fail() {
    echo "setup: $*" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11 or newer"
        command -v "$PYTHON"
        return
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if is_new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; python3 is $(python3 --version 2>&1 || true)." \
        "Install one, or name it: make PYTHON=/path/to/python3.12"
}

# What .venv is made from, as one line.
wanted() {
    { pwd; cat requirements/dev.txt pyproject.toml hack/setup/venv.sh; } | sha256sum | cut -d ' ' -f 1
}

is_current() {
    [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(wanted)" ] && [ -x $venv/bin/python ] && $venv/bin/python -c '' 2>/dev/null
}

has_ensurepip() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# Debian and Ubuntu leave ensurepip out of python3 and into python3-venv.
make_venv() {
    if has_ensurepip "$1"; then
        "$1" -m venv --clear $venv
    elif command -v uv >/dev/null; then
        uv venv --quiet --clear --seed --python "$1" $venv
    elif command -v virtualenv >/dev/null; then
        virtualenv --quiet --clear --python "$1" $venv
    else
        install_ensurepip "$1"
        "$1" -m venv --clear $venv
    fi
}

install_ensurepip() {
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    command -v apt-get >/dev/null || fail "$1 has no ensurepip: install its venv module, uv or virtualenv"
    [ "$(id -u)" = 0 ] || fail "$1 has no ensurepip; this installs it: sudo apt-get install $package"
    echo "setup: installing $package with apt-get" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq "$package" >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -y -qq "$package" >/dev/null; } ||
        fail "apt-get could not install $package"
    has_ensurepip "$1" || fail "$package is installed and $1 still has no ensurepip"
}

is_usable() {
    [ -x $venv/bin/python ] && is_new_enough $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1
}

install() {
    pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input"
    $pip --require-hashes --requirement requirements/dev.txt
    $pip --no-deps --no-build-isolation --editable .
}

! is_current || exit 0
exec 9>.venv.lock
flock 9
! is_current || exit 0 # another run made it while this one waited

rm -f $stamp
if ! is_usable; then
    python=$(find_python)
    echo "setup: making $venv with $("$python" --version)" >&2
    make_venv "$python"
fi
echo "setup: installing what requirements/dev.txt pins" >&2
install || fail "pip could not install the pinned packages; the lines above say why"
wanted >$stamp.new
mv $stamp.new $stamp
echo "setup: $venv is ready" >&2
