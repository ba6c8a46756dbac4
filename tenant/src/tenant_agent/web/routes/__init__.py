"""One module per resource; each handler translates HTTP to one service call and back."""
