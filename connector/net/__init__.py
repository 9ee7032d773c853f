"""Calls to other systems: whole in time, within quotas, trusted, and to public addresses only."""
