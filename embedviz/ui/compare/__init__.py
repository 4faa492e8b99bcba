"""The Compare page: layers of one model, or of two, over the same instances."""
