"""Reading mail: pure functions over bytes and text, no models, no settings.

`parse` (parsing.py) is the way in; `sanitise` and `to_text` (html.py), `reply_text` (replies.py)
serve others too.
"""
