"""What a cycle may do for a group that waits, tried one after another: each says whether it did.

allocate: free room. reclaim: lent quota taken back. preempt: lower priority in the same queue.
backfill: nodes held for later, and work that may go before.
"""
