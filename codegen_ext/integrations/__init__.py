"""What other libraries need to work with this one; each module is imported only by those who use its library."""
