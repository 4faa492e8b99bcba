"""What ``torch.save`` wrote, read without importing or calling anything that the file names."""
