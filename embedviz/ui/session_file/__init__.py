"""The session as a file: saved under "Take away", opened where checkpoints are opened."""
