"""How a registry of several processes is put into operation; see README.md."""
