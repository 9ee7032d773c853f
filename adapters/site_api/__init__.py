"""The site API: one contract that the WordPress plugin and the Drupal module implement.

`openapi.yaml` is the contract, `vectors.json` the signatures that every side checks itself
against, `wire` turns values into its JSON and back, `client` is the one client of both, `setup`
what setting up has in common.
"""
