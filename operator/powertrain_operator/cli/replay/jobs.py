"""`powertrain replay jobs`: training jobs on unlike accelerators."""

import sys

import click

from . import options

NAMES = ("powertrain", "powertrain-shortest", "fifo", "srtf", "las", "gavel")


@click.command()
@click.option("--trace", "trace_file", metavar="FILE", required=True, help="Jobs, in Gavel's format.")
@click.option(
    "--throughputs",
    metavar="FILE",
    required=True,
    help="Steps per second by accelerator and type of job, JSON.",
)
@click.option(
    "--cluster",
    metavar="ACCELERATOR=DEVICES,...",
    required=True,
    help="Devices of each accelerator, such as v100=36,p100=36,k80=36.",
)
@click.option(
    "--policy",
    "policies",
    metavar="NAME,...",
    default=",".join(NAMES),
    show_default=True,
    help="Which policies to run: powertrain is this scheduler, the others are references.",
)
@click.option(
    "--jobs", "first", type=click.IntRange(1), metavar="N", help="Only the first N jobs. Default: all."
)
@click.option(
    "--devices-per-node",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Size of a node; powertrain places on nodes, the references count devices.",
)
@click.option(
    "--restart",
    "restart_seconds",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    help="Seconds that a start from a checkpoint takes, in all policies.",
)
@click.option(
    "--estimate-error",
    type=click.FloatRange(0, 3),
    default=0.0,
    show_default=True,
    help="Standard deviation of the logarithm of what owners say of their run times over the truth.",
)
@click.option(
    "--seeds", default="1", show_default=True, metavar="N[-M]", help="For these errors, a run for each seed."
)
@click.option("--json", "json_file", metavar="FILE", help="Write all figures there.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw them there: .png, .svg or .pdf.")
def jobs(
    trace_file: str,
    throughputs: str,
    cluster: str,
    policies: str,
    first: int | None,
    devices_per_node: int,
    restart_seconds: float,
    estimate_error: float,
    seeds: str,
    json_file: str | None,
    plot_file: str | None,
) -> None:
    """Training jobs on unlike accelerators: completion times, waiting, fairness.

    powertrain runs decide() itself: a job lists the accelerators as alternative shapes with the measured
    speeds, and gets one when it is its turn; powertrain-shortest is the same with a queue of order: shortest.
    fifo, srtf and las are the textbook policies, gavel is heterogeneity-aware max-min fairness; srtf, las
    and gavel share time in rounds of 6 minutes. What is modelled and what is not: docs/replay.md.
    """
    from . import jobrun, report

    setup = jobrun.Setup(
        policies=options.names(policies, NAMES),
        seeds=options.seeds(seeds),
        devices_per_node=devices_per_node,
        restart_seconds=restart_seconds,
        estimate_error=estimate_error,
    )
    report.check(json_file, plot_file)
    load = jobrun.load(trace_file, throughputs, cluster, first)
    for note in load.notes():
        click.echo(f"note: {note}", err=True)
    runs = jobrun.run(load, setup, sys.stderr)
    click.echo(report.table(runs), nl=False)
    if json_file:
        report.write_json(json_file, load, setup, runs)
    if plot_file:
        report.plot(plot_file, runs)
