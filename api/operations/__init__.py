"""What an operator sees: numbers, traces, records, and the port that shows them."""
