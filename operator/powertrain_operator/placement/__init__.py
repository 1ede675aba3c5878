"""The placement process: watches the cluster, asks the core, carries out its plans."""
