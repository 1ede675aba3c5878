"""Placement cases with known outcomes: "this cluster, these queues, these jobs: who gets what".

Cases come from YAML files, are carried out on a virtual cluster through `decide()`, and what came of
it is compared with what each case expects. See docs/scenarios.md.
"""
