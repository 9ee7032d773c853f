"""Who works when: the retry policy (pure) and the engines."""
