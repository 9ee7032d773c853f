"""Recorded exchanges with a real Medusa, and what plays them back."""
