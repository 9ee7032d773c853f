"""What operators watch and are told: logs, metrics, alerts."""
