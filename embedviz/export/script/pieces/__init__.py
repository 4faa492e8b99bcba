"""Functions whose source is written into scripts. They import nothing of embedviz, and a script holds what they use."""
