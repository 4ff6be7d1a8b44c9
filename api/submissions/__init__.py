"""Submissions over HTTP: from bytes to a receipt.

`POST /submissions` answers 201 with a receipt of the state that was asked for, or with a problem.
A submission that it acknowledges is durable at least, and one that it calls published is proven to
be under the checkpoint that the receipt carries. A problem with status 503 after the body arrived
does not say whether the submission was recorded: send it again.

    endpoint.py    POST /submissions, from the body to the answer
    recording.py   from a body to its place in the sequence
    receipts.py    from a place in the sequence to its receipt
    dry_runs.py    what a submission would meet with
    routes.py      the paths in the framework, and what the OpenAPI document says
"""
