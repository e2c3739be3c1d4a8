"""Live pages: hints by server-sent events, so that an open page fetches what is new.

`wants` says what may be asked for, `sight` what a browser may see of it at this moment, `hub` hears
the hints of all processes, `door` holds the streams, `poll` is for where a stream fails.
"""
