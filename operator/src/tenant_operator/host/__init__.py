"""A tenant's machine seen through SSH: a port, its adapter and the commands it is given."""
