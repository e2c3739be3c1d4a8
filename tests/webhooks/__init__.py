"""Webhooks of mail providers over real HTTP, and sending by their interfaces."""
