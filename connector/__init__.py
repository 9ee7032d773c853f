"""Keep CMS pages in step with a commerce backend."""

__version__ = "0.1.0"
