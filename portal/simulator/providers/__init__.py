"""Fakes of the providers behind the telephones: their HTTP, their words, their refusals.

They know the books and nothing of the portal: no model, no adapter.
"""
