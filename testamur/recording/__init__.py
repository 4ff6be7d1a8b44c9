"""Judged once, before an event is recorded: by `prepare`, `check` and the gate, never afterwards.

What is judged here may depend on tables that change with the years. So no replay, follower or
verification asks it: an entry that one version refuses may be on a log that another one wrote.
"""
