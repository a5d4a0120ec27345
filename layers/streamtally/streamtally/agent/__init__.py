"""What the Kinesis Agent does to a line, exactly: its ``dataProcessingOptions``, as they stand in agent.json.

Use this where the output has to be what the agent sends, byte for byte; the formats of streamtally.formats keep more
(the agent skips IPv6 clients, users with a space, broken requests …). Held against 463 records of the real agent in
tests/conformance.
"""

from streamtally.agent.flow import AgentFlow, Converted
from streamtally.agent.options import AgentOptionsError

__all__ = ["AgentFlow", "AgentOptionsError", "Converted"]
