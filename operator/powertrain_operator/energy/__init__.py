"""What the fleet's energy adds up to: watts in, joules out, kept over restarts."""
