"""The Present page: stories for people who do not program."""
