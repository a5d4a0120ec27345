"""What the Kinesis Agent does to a line, exactly: the ``dataProcessingOptions`` of its agent.json.

Use this if the output must equal the agent's byte for byte; the formats of streamtally.formats parse more lines (the
agent skips IPv6 clients, users with a space, broken requests …). Tested against 463 records of the real agent in
tests/system/conformance.
"""

from streamtally.agent.flow import HELD_BACK, AgentFlow, Converted, flow_of
from streamtally.agent.options import AgentOptionsError

__all__ = ["HELD_BACK", "AgentFlow", "AgentOptionsError", "Converted", "flow_of"]
