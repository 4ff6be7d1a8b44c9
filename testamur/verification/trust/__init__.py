"""Whose word counts, for whom, and as of when: the model of trust, which the steps only ask."""
