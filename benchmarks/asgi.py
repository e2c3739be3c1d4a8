"""What uvicorn serves during a benchmark: the portal's streams, and a bare one beside them."""

from benchmarks.yardstick.stream import Echo
from portal.asgi import application as portal

application = Echo(portal)
