"""A cluster that exists only in memory, on which plans are carried out: for scenarios and for traces."""
