"""A machine without a kernel: files, packages, units, containers and disks as values.

It answers what the product really does to a machine, over the real SSH wire, in milliseconds and
without a process per machine. It is no emulator: a program it does not know ends with 127, so that
a gap shows as a failure and not as a wrong success.
"""
