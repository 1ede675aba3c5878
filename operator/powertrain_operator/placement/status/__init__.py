"""What placement tells: status of PodGroups, queues and pools, and waiting pods' conditions.

What a status should say is worked out by pure functions (`podgroup`, `fleet`); `writer` decides when
it is worth a request: at once where something happened, rarely where only numbers moved.
"""
