"""Adapters against their contract, and the HTTP door."""
