"""`make demo`: a fleet, Powertrain and a few jobs on a real API server, shown as they go.

Every figure that is shown was read from the API server or from a /metrics page. The modules:

* `story`      the acts of the demo: what is applied, and what must be seen before it goes on
* `install`    kinds, rights and objects that a cluster gets before Powertrain runs on it
* `running`    Powertrain itself, as a process of its own with the chart's two identities
* `world`      what a watch on the API server has seen; `view` reads it, `show` prints it
* `interrupts` one way out for Ctrl-C and SIGTERM
"""
