"""What is pushed to a machine: the host agent, the observer and the files of the hardening list."""
