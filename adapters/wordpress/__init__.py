"""WordPress: products as pages, by our plugin or, in plain mode, by core REST alone."""

from adapters.wordpress.site import SITE

__all__ = ["SITE"]
