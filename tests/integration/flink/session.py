"""Plans and runs programs with Apache Flink in one Java process; runs in the environment .tools/flink, not in .venv.

    python session.py REQUEST.json RESULT.json

REQUEST.json: ``{"java": …, "programs": [{"name", "tables", "views", "inserts", "run"}, …]}``.
RESULT.json: ``{"planned": {name: error or null}, "jobs": [{"name", "error"}], "seconds": {…}}``; what the programs
write is where their sinks say.
"""

import json
import os
import sys
import sysconfig
import time
from pathlib import Path

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

MINUTES_OF_A_JOB = 2
OPENED = [  # as Flink's own start script opens them
    "java.base/java.lang",
    "java.base/java.lang.reflect",
    "java.base/java.net",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
    "java.base/sun.nio.ch",
    "java.base/sun.net.util",
]


def start(java: str) -> JavaGateway:
    """A Java process with Flink's jars; it ends with this process."""
    options = ["-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC", "-Duser.language=en"]
    options += [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    packages = Path(sysconfig.get_path("purelib"))
    port = launch_gateway(
        jarpath=str(next(Path(sys.prefix).glob("share/py4j/py4j*.jar"))),
        classpath=os.pathsep.join(map(str, packages.glob("pyflink/lib/*.jar"))),
        javaopts=options,
        die_on_exit=True,
        java_path=java,
    )
    return JavaGateway(gateway_parameters=GatewayParameters(port=port))


def environment(flink):
    """A table environment in streaming mode, as a stream has no end in production."""
    settings = flink.table.api.EnvironmentSettings.newInstance().inStreamingMode().build()
    tables = flink.table.api.TableEnvironment.create(settings)
    options = {
        "table.local-time-zone": "UTC",
        "parallelism.default": "1",
        "execution.checkpointing.interval": "1 s",  # the files of sinks are complete after a checkpoint
        "restart-strategy.type": "none",  # with checkpoints, a job that fails is restarted for ever
        "taskmanager.numberOfTaskSlots": "1",  # the slots share the memory of windows
        "taskmanager.memory.managed.size": "256m",
    }
    for key, value in options.items():
        tables.getConfig().set(key, value)
    return tables


def reason(error: Exception) -> str:
    """The Java causes of an error, without their traces."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.lstrip().startswith(("at ", "..."))]
    return " | ".join(lines)[:4000]


def main(request_path: str, result_path: str) -> None:
    request = json.loads(Path(request_path).read_text(encoding="utf-8"))
    began = time.monotonic()
    gateway = start(request["java"])
    flink = gateway.jvm.org.apache.flink
    tables = environment(flink)
    result = {"planned": {}, "jobs": [], "seconds": {"start": time.monotonic() - began}}
    details = gateway.new_array(flink.table.api.ExplainDetail, 0)
    declared = []
    for number, program in enumerate(request["programs"]):
        try:
            tables.executeSql(f"CREATE DATABASE p{number}")
            tables.executeSql(f"USE p{number}")
            for statement in program["tables"] + program["views"]:
                tables.executeSql(statement)
            statements = tables.createStatementSet()
            for statement in program["inserts"]:
                statements.addInsertSql(statement)
            if program["run"]:
                declared.append((number, program))  # its job is planned when it runs
            else:
                statements.explain(flink.table.api.ExplainFormat.TEXT, details)
            result["planned"][program["name"]] = None
        except Exception as error:  # py4j's, whatever Java threw
            result["planned"][program["name"]] = reason(error)
        print(f"{time.monotonic() - began:.1f} s: {program['name']}", file=sys.stderr, flush=True)
    result["seconds"]["plan"] = time.monotonic() - began
    for number, program in declared:
        result["jobs"].append(run(gateway, tables, number, program))
    result["seconds"]["all"] = time.monotonic() - began
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")
    gateway.shutdown()


def run(gateway, tables, number: int, program: dict) -> dict:
    """Run a program until its input ends."""
    job = {"name": program["name"], "error": None}
    try:
        tables.executeSql(f"USE p{number}")
        statements = tables.createStatementSet()
        for statement in program["inserts"]:
            statements.addInsertSql(statement)
        unit = gateway.jvm.java.util.concurrent.TimeUnit.MINUTES
        getattr(statements.execute(), "await")(MINUTES_OF_A_JOB, unit)
    except Exception as error:  # py4j's, whatever Java threw
        job["error"] = reason(error)
    print(f"ran: {program['name']}", file=sys.stderr, flush=True)
    return job


if __name__ == "__main__":
    main(*sys.argv[1:])
