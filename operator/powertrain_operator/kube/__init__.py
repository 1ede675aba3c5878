"""How we talk to the API server: login, requests, reflectors, leader election, events.

The one room that knows the Kubernetes client and HTTP; it knows no rule of our domain.
"""
