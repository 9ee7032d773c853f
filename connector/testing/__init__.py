"""The kit for adapter authors and for our own tests: systems in memory, faults, and conformance.

Import what you need from its modules: `clock`, `catalogue`, `site` (in-memory ports), `faults`
(failures on purpose), `generate` and `strategies` (values), `conformance` (the suites that every
adapter passes). Nothing outside tests and the demo may depend on this package.
"""
