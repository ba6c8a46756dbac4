"""A tenant seen the way its customer sees it: by public name, over TLS."""
