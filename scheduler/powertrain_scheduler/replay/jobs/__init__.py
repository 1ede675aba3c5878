"""Training jobs from a trace on a cluster of unlike accelerators, under our policy and under those of the literature.

All policies see the same jobs, the same throughputs and as many devices. What is modelled and what
is not stands in docs/replay.md.
"""
