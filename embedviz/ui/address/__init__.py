"""The choices of a session in the page's address: read once when it starts, and kept up to date after that."""
