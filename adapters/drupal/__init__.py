"""Drupal: products as nodes, by our module or, in plain mode, by core's JSON:API alone."""

from adapters.drupal.site import SITE

__all__ = ["SITE"]
