"""Plans and runs programs with Apache Flink in one Java process; runs in the environment .tools/flink, not in .venv.

    python session.py REQUEST.json RESULT.json

REQUEST.json: ``{"java": …, "programs": [{"name", "tables", "views", "inserts", "run", "sinks"}, …]}``.
RESULT.json: ``{"planned": {name: error or null}, "jobs": [{"name", "error"}], "seconds": {…}}``; what the programs
write is where their sinks say.

A job starts a cluster of its own, which takes longer than the few rows of a program. So programs are run in batches,
each as one job; the programs of a batch that fails are run one by one, to learn which of them it was.
"""

import json
import os
import shutil
import sys
import sysconfig
import time
from pathlib import Path

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

MINUTES_OF_A_JOB = 3
PROGRAMS_OF_A_JOB = 16
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
        "taskmanager.memory.managed.size": "1g",
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
    result["seconds"]["CPU of planning"] = cpu_seconds(gateway)
    for first in range(0, len(declared), PROGRAMS_OF_A_JOB):
        result["jobs"] += run_batch(gateway, tables, declared[first : first + PROGRAMS_OF_A_JOB])
    result["seconds"]["all"] = time.monotonic() - began
    result["seconds"]["CPU"] = cpu_seconds(gateway)
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")
    gateway.shutdown()


def cpu_seconds(gateway) -> float:
    """The CPU time of the Java process."""
    return gateway.jvm.java.lang.ProcessHandle.current().info().totalCpuDuration().get().toMillis() / 1000


def run_batch(gateway, tables, batch: list) -> list[dict]:
    """Run programs as one job; if it fails, each as a job of its own. Returns: name and error of each."""
    error = run(gateway, tables, batch)
    if error is None or len(batch) == 1:
        return [{"name": program["name"], "error": error} for _, program in batch]
    jobs = []
    for number, program in batch:
        shutil.rmtree(program["sinks"], ignore_errors=True)  # of what the batch wrote until it failed
        jobs += run_batch(gateway, tables, [(number, program)])
    return jobs


def run(gateway, tables, batch: list) -> str | None:
    """Run programs as one job until their input ends. Returns: why it failed; None if it did not."""
    names = ", ".join(program["name"] for _, program in batch)
    try:
        statements = tables.createStatementSet()
        for number, program in batch:
            tables.executeSql(f"USE p{number}")
            for statement in program["inserts"]:
                statements.addInsertSql(statement)
        unit = gateway.jvm.java.util.concurrent.TimeUnit.MINUTES
        getattr(statements.execute(), "await")(MINUTES_OF_A_JOB, unit)
    except Exception as error:  # py4j's, whatever Java threw
        return reason(error)
    print(f"ran: {names}", file=sys.stderr, flush=True)
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
