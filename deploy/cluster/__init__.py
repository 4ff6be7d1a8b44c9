"""The topology of docker-compose.yml without containers, on free ports of the loopback."""
