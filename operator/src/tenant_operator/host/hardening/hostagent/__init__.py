"""The host agent: jobs that run on the tenant's machine itself.

It is pushed as one zip (`/opt/tenant/host-agent/hostagent.pyz`) and run by the machine's Python, so
it uses the standard library only and imports nothing of the operator. Every job can be repeated: it
looks first and changes only what differs.
"""
