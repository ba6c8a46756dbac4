"""The HTTP door: routes, request and response models, sessions, problem documents, streams."""
