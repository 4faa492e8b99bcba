"""The Instance page: one input in depth."""
