"""Answers of a real Drupal 10.5, recorded: core's JSON:API, and the module's site API."""
