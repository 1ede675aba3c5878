"""What the stories share: the cluster as its owner set it up, and a tenant's view of it."""
