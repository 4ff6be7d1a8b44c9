"""Pages for people: the answers that programs get, made on the server, complete without scripts."""
