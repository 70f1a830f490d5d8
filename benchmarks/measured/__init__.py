"""What the benchmarks of the server share: servers as processes of their own, load, and tables of figures."""
