"""The event store and the gate: signed submissions go in, one durable sequence comes out."""
