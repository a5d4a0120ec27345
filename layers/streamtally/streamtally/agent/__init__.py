"""What the Kinesis Agent does to a line, exactly: its ``dataProcessingOptions``, as they stand in agent.json.

Use this where the output has to be what the agent sends, byte for byte; the formats of streamtally.formats keep more
(the agent skips IPv6 clients, users with a space, broken requests …). Held against 463 records of the real agent in
tests/system/conformance.
"""

from streamtally.agent.flow import HELD_BACK, AgentFlow, Converted, flow_of
from streamtally.agent.options import AgentOptionsError

__all__ = ["HELD_BACK", "AgentFlow", "AgentOptionsError", "Converted", "flow_of"]
