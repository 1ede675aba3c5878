#!/bin/sh
# Writes requirements/*.txt anew from pyproject.toml: every package with its
# version and hashes, for Python 3.11 to 3.14 on any platform, and no address.
set -eu
cd "$(dirname "$0")/../.."

pins() {
    target=requirements/$1
    shift
    {
        echo '# Pinned by `make pins`; edit pyproject.toml or requirements/*.in, not this file.'
        .venv/bin/uv pip compile "$@" --universal --python-version 3.11 --generate-hashes --upgrade \
            --no-header --no-annotate --no-emit-index-url --quiet
    } >"$target.new"
    mv "$target.new" "$target"
}

pins image.txt pyproject.toml
pins dev.txt pyproject.toml --extra dev
pins build.txt requirements/build.in
pins go.txt requirements/go.in
pins workloads.txt requirements/workloads.in
