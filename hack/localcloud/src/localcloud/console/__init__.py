"""The console of a server: its screen over RFB (RFC 6143), as VNC clients speak it on WebSocket."""
