"""Speed and memory on the real systems: `python -m tests.bench`. Ratios within one run."""
