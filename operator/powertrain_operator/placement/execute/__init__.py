"""Carrying out a plan: bindings, evictions and what follows from their failures.

Every write passes `Writes`, which asks whether we still lead right before it is sent. What a
failure means is decided by pure functions (`outcome`); the rest is as plain as it can be.
"""
