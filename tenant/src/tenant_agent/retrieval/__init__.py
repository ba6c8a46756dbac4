"""From files to passages and from questions to passages."""
