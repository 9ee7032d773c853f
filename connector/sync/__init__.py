"""The decisions: pure functions from values to values. Nothing here reads, writes or waits."""
