"""Settings that must be made before the official classes are imported."""

import os

# Of the two implementations of protobuf in Python, the slow one. The other drops a map entry from
# its map when the entry holds a field that it does not know, which C++ (so Envoy) does not.
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
