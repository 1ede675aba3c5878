"""What a process tells about itself: metrics, health and logs.

`metrics` holds the numbers of each process, `server` shows them over HTTP beside `/healthz` and
`/readyz`, `logs` sets up the log lines. Nothing here knows what the numbers are used for, and
nothing here reads the cluster.
"""
