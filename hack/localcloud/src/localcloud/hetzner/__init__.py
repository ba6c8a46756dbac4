"""The Hetzner Cloud API of the local cloud.

A request is routed (`routing`), checked (`bodies`, the families' modules) and answered from frozen
state (`model`, `state`); what takes time becomes an action (`actions`) whose effect calls the
machines behind it. Numbers and texts follow Hetzner's published API document unless the module
that holds them says otherwise.
"""
