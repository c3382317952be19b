"""Settings that must be made before the official classes are imported."""

import os

# Python's protobuf has two implementations; this picks the slow one, written in Python. The fast one
# drops a map entry that holds an unknown field. C++, and so Envoy, keeps such an entry.
os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
