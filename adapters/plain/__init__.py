"""What plain modes share: pages of a CMS's core hold our marker, and one request at a time decides.

Here is what is the same whichever core it is; an adapter says what its core calls things.
"""
