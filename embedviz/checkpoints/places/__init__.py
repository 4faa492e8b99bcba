"""What a person gave: which kind of file it is, what an archive holds, and where in it the model lies."""
