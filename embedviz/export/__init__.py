"""What goes out: tables, pictures, and everything else that leaves embedviz as a file."""
