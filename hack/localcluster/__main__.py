"""`python -m localcluster build | up | down | env`: what `make` calls.

`up` leaves a keeper process behind that holds the cluster and Powertrain; they
end with it. What a shell should evaluate goes to stdout, the rest to stderr.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

from localcluster import background, build, keep
from localcluster.errors import LocalClusterError

ROOT = Path(__file__).parents[2]
_STOP_SECONDS = 20.0


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 1 with a sentence on stderr."""
    options = _options().parse_args(arguments)
    directory: Path = options.directory.resolve()
    try:
        match options.command:
            case "build":
                build.ensure(_say)
            case "up":
                _up(directory)
            case "down":
                _down(directory)
            case "env":
                _env(directory)
            case "keep":
                keep.keep(directory)
    except LocalClusterError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    return 0


def _up(directory: Path) -> None:
    build.ensure(_say)
    with background.alone(directory):
        if background.find(directory) is None:
            _say("starting a cluster, its fleet and Powertrain; about 15 s")
            shutil.rmtree(directory / keep.FILES, ignore_errors=True)
            command = [sys.executable, "-m", "localcluster", "--directory", str(directory), "keep"]
            background.start(command, directory, directory / "keeper.log")
        _env(directory)
    _say(
        f"\nIt runs until `make down`; logs are in {os.path.relpath(directory)}. In a shell, evaluate the lines\n"
        'above (or: eval "$(make --silent up)") and then, for example:\n'
        "  kubectl get ptpool,ptq\n"
        "  kubectl apply -f crds/examples/\n"
        "  kubectl get ptj,pis --watch"
    )


def _down(directory: Path) -> None:
    with background.alone(directory):
        keeper = background.find(directory)
        if keeper is None:
            _say("nothing is up")
            return
        keeper.end(_STOP_SECONDS)
        _say("stopped")


def _env(directory: Path) -> None:
    if background.find(directory) is None:
        raise LocalClusterError("nothing is up; `make up` starts a cluster")
    for name, value in keep.environment(directory).items():
        # PATH grows by what the programs need and keeps what the user's shell has.
        quoted = shlex.quote(value) + ':"$PATH"' if name == "PATH" else shlex.quote(value)
        print(f"export {name}={quoted}")
    sys.stdout.flush()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localcluster", description=__doc__)
    parser.add_argument("--directory", type=Path, default=ROOT / ".local", help="where its files are")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the Kubernetes programs unless they are in the cache")
    commands.add_parser("up", help="start a cluster with Powertrain in the background")
    commands.add_parser("down", help="stop it")
    commands.add_parser("env", help="print the lines that point a shell at it")
    commands.add_parser("keep", help="what `up` starts: holds the cluster until it gets SIGTERM")
    return parser


if __name__ == "__main__":
    sys.exit(main())
