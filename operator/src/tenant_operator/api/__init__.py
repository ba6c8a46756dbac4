"""The custom resources: their models, conditions and everything generated from them."""
