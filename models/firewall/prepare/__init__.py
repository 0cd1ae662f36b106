"""Prepares the firewall's corpus; run as `python -m prepare`."""
