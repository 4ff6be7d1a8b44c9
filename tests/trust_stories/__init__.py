"""Stories of the trust model, played through the product: rules, gate, follower, verifier."""
