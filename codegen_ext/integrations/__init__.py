"""What other libraries need to work with this one; each module needs the extra of its name."""
