"""Speed, measured: `make bench`. Outside the product; nothing in here is judged by a timed test."""
