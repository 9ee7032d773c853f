"""One folder per outside system. Adapters know connector.model, ports, errors and signing only."""
