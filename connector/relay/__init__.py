"""What comes in over HTTP: webhooks of backends, and what ops ask of the daemon."""
