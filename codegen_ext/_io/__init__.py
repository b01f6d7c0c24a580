"""What waiting needs that differs between threads and event loops: two modules with the same names."""
