"""`powertrain replay openb`: Alibaba's GPU cluster trace v2023."""

import sys

import click
from powertrain_scheduler.policy import PACKINGS

from . import options


@click.command()
@click.option("--nodes", metavar="FILE", required=True, help="The trace's list of nodes, CSV.")
@click.option("--pods", metavar="FILE", required=True, help="One of its lists of pods, CSV.")
@click.option(
    "--policy",
    "policies",
    metavar="NAME,...",
    default="powertrain,fgd",
    show_default=True,
    help=f"Which packings to run: {', '.join(PACKINGS)}.",
)
@click.option(
    "--seeds", "seed_range", default="42-51", show_default=True, metavar="N[-M]", help="A run for each."
)
@click.option(
    "--reference",
    metavar="DIR",
    help="The authors' results, told beside: the folder of analysis_allo_discrete.csv and analysis_frag_discrete.csv.",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="With the trace's own arrivals and departures instead of filling the fleet; who does not fit waits.",
)
@click.option(
    "--load",
    type=click.FloatRange(0.01, 2.0),
    default=0.8,
    show_default=True,
    help="For --dynamic, devices asked for on average over those there are: arrivals are moved together for it.",
)
@click.option(
    "--cycle",
    "cycle_seconds",
    type=click.FloatRange(0.1),
    default=30.0,
    show_default=True,
    help="For --dynamic, seconds of the trace between decisions.",
)
@click.option("--json", "json_file", metavar="FILE", help="Write all figures there.")
@click.option("--plot", "plot_file", metavar="FILE", help="Draw them there: .png, .svg or .pdf.")
def openb(
    nodes: str,
    pods: str,
    policies: str,
    seed_range: str,
    reference: str | None,
    dynamic: bool,
    load: float,
    cycle_seconds: float,
    json_file: str | None,
    plot_file: str | None,
) -> None:
    """Fill Alibaba's GPU fleet (openb) as in the FGD paper, or run its trace.

    The fill: pods in random order, clones appended until they ask for 1.3 times the devices, no
    departures; how much is allocated, in fragments and drawn in watts by percent arrived. powertrain is
    this scheduler; the others are packings of the literature as their authors implemented them. What
    is modelled and what is not: docs/benchmarks.md.
    """
    from powertrain_scheduler.replay.openb import bound

    from . import openbreport, openbrun, openbtime, report

    chosen, numbers = options.names(policies, PACKINGS), options.seeds(seed_range)
    report.check(json_file, plot_file)
    trace = openbrun.load(nodes, pods)
    if dynamic:
        if reference:
            raise click.BadParameter("the published results are those of the fill", param_hint="--reference")
        openbtime.replay(trace, chosen, load, cycle_seconds, sys.stderr, json_file, plot_file)
        return
    published = openbrun.published(reference, pods) if reference else {}
    runs = openbrun.run(trace, chosen, numbers, sys.stderr)
    most = bound.fullest([pod.shape for pod in trace.pods])
    click.echo(openbreport.tables(runs, published, most), nl=False)
    if json_file:
        openbreport.write_json(json_file, pods, runs, published, most)
    if plot_file:
        openbreport.plot(plot_file, runs)
