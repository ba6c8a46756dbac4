"""Ways in from the developer's desk, and the stand-in for a content network's edge."""
