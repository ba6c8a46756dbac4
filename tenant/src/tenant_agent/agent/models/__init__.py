"""Model clients behind one port."""
