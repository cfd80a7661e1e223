"""Connections to Redis: to one server, to the primary that sentinels name, or to a node of a Cluster."""
