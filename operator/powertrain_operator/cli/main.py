"""`powertrain operator | scheduler | run | plan | explain | replay | version`."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from powertrain_operator import __version__
from powertrain_operator.cli.replay import replay

F = TypeVar("F", bound=Callable[..., Any])

kubeconfig = click.option(
    "--kubeconfig",
    metavar="PATH",
    help="Login to the API server. Default: $KUBECONFIG, ~/.kube/config, or the pod's service account.",
)
lease_namespace = click.option(
    "--lease-namespace",
    metavar="NAME",
    default="powertrain-system",
    show_default=True,
    help="Namespace of the lease that says which scheduler leads.",
)
identity = click.option(
    "--identity",
    metavar="NAME",
    help="Name of this scheduler in that lease. Default: host name and process id.",
)
past_use = click.option(
    "--past-use-weight",
    type=click.FloatRange(0.0, 10.0),
    default=0.0,
    show_default=True,
    help="How much a queue's past use counts beside what it holds now when the next one is chosen.",
)
past_use_half_life = click.option(
    "--past-use-half-life",
    metavar="HOURS",
    type=click.FloatRange(0.1, 10_000.0),
    default=168.0,
    show_default=True,
    help="Hours after which what a queue held counts half.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Objects that are reconciled at once.",
)


def logs(command: F) -> F:
    """The two options on log lines."""
    command = click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        help="Least severe log lines to write.",
    )(command)
    return click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="One line of text, or one JSON object, a log line.",
    )(command)


def listen(flag: str, default: str) -> Callable[[F], F]:
    """An option for where metrics and health are served."""
    return click.option(
        flag,
        metavar="HOST:PORT",
        default=default,
        show_default=True,
        help="Where /metrics, /healthz and /readyz are served; :PORT is every address of the machine.",
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Powertrain places AI work on shared fleets of GPUs and NPUs and counts what it costs in joules."""


@main.command()
@kubeconfig
@listen("--listen", "127.0.0.1:8080")
@workers
@logs
def operator(kubeconfig: str | None, listen: str, workers: int, log_format: str, log_level: str) -> None:
    """Turn TrainingJobs and InferenceServices into PodGroups, pods and Services."""
    from . import processes

    processes.start(log_format, log_level, lambda: processes.operator(kubeconfig, listen, workers))


@main.command()
@kubeconfig
@listen("--listen", "127.0.0.1:8081")
@lease_namespace
@identity
@past_use
@past_use_half_life
@logs
def scheduler(
    kubeconfig: str | None,
    listen: str,
    lease_namespace: str,
    identity: str | None,
    past_use_weight: float,
    past_use_half_life: float,
    log_format: str,
    log_level: str,
) -> None:
    """Give pods of schedulerName powertrain their nodes, gang by gang."""
    from . import processes

    past_use = processes.PastUse(past_use_weight, past_use_half_life)
    processes.start(
        log_format,
        log_level,
        lambda: processes.scheduler(kubeconfig, listen, lease_namespace, identity, past_use),
    )


@main.command()
@click.option(
    "--operator-kubeconfig", metavar="PATH", help="Login of the operator half. Default: as operator's."
)
@click.option(
    "--scheduler-kubeconfig", metavar="PATH", help="Login of the scheduler half. Default: as scheduler's."
)
@listen("--listen-operator", "127.0.0.1:8080")
@listen("--listen-scheduler", "127.0.0.1:8081")
@lease_namespace
@identity
@past_use
@past_use_half_life
@workers
@logs
def run(
    operator_kubeconfig: str | None,
    scheduler_kubeconfig: str | None,
    listen_operator: str,
    listen_scheduler: str,
    lease_namespace: str,
    identity: str | None,
    past_use_weight: float,
    past_use_half_life: float,
    workers: int,
    log_format: str,
    log_level: str,
) -> None:
    """Run operator and scheduler in one process, for small clusters and for trying things out."""
    from . import processes

    processes.start(
        log_format,
        log_level,
        lambda: processes.both(
            processes.operator(operator_kubeconfig, listen_operator, workers),
            processes.scheduler(
                *(scheduler_kubeconfig, listen_scheduler, lease_namespace, identity),
                processes.PastUse(past_use_weight, past_use_half_life),
            ),
        ),
    )


def world(command: F) -> F:
    """The options on which cluster is asked about: manifests, or a live one."""
    command = kubeconfig(command)
    command = click.option("--cluster", is_flag=True, help="Ask about the live cluster. Reads only.")(command)
    return click.option(
        "-f",
        "--filename",
        "paths",
        multiple=True,
        metavar="PATH",
        help="A file, a folder (all *.yaml, *.yml and *.json below it) or - for standard input. May be repeated.",
    )(command)


def output(*forms: str) -> Callable[[F], F]:
    """The option on the form of the answer; the first is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="Form of the answer.",
    )


def _one_source(paths: tuple[str, ...], cluster: bool) -> None:
    if bool(paths) == cluster:
        raise click.UsageError("give either -f PATH (once or more) or --cluster")


@main.command()
@world
@output("table", "json", "yaml")
@click.option(
    "--explain", "explained", is_flag=True, help="Tell for each group why, too; -o json and yaml always do."
)
def plan(paths: tuple[str, ...], cluster: bool, kubeconfig: str | None, output: str, explained: bool) -> None:
    """Tell what would be decided now, and change nothing.

    Takes any mix of Node, Pod, AcceleratorPool, Queue, PodGroup, TrainingJob and InferenceService
    manifests (PersistentVolumeClaim and PersistentVolume too, for pods that mount some), or the live
    cluster, and gives what the scheduler would do: which pod gets which node, who would be evicted for
    whom, what waits and why, and which nodes are held for whom.

    Nodes written by hand may leave things out: without status.conditions a node is ready, without
    status.allocatable its status.capacity counts, without `pods` it takes 110 of them, and without the label
    kubernetes.io/hostname that is its name. Objects without a namespace are in the namespace default.

    Exit status: 0, also where something waits; 2 for bad input, with every mistake named on standard
    error; 1 where the cluster cannot be read.
    """
    _one_source(paths, cluster)
    from . import plan as planning

    planning.run(paths, kubeconfig, output, time.time(), explained)


@main.command()
@click.argument("target", metavar="NAMESPACE/NAME")
@world
@output("text", "json", "yaml")
def explain(target: str, paths: tuple[str, ...], cluster: bool, kubeconfig: str | None, output: str) -> None:
    """Tell why one pod group waits, what would let it start, or why it gets the nodes it gets.

    NAME is a PodGroup, a TrainingJob, a replica of an InferenceService or a pod without a group; without a
    namespace it is in the namespace default. The cluster comes from manifests or is the live one, as for
    `powertrain plan`.

    Every change that is told was tried: the whole plan was made again with it, and the group started.

    Exit status: 0; 2 for bad input and for a group that is not there; 1 where the cluster cannot be read.
    """
    _one_source(paths, cluster)
    from . import plan as planning

    planning.explain(target, paths, kubeconfig, output, time.time())


main.add_command(replay)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"powertrain {__version__}")
