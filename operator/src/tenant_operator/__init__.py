"""The operator: a Tenant object becomes a machine of its own, and stays one."""
