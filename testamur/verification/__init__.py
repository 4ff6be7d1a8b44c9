"""Does this hold? Replay of a whole log, evidence for one credential, receipts, reports."""
