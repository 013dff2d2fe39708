"""What the processes beside the page do: runs for the map, and paired comparisons."""

import os
import pathlib
import signal
from multiprocessing.connection import Connection

from sim.app.jobs import end_with_parent, key_of
from sim.language import speaking
from sim.problems import shown
from sim.progress import Progress, watched
from sim.scenario import Scenario


def run_in_process(connection: Connection) -> None:
    """Do runs as they are asked for, until the pipe is closed.

    Parameters
    ----------
    connection
        Brings (scenarios, seed, months) and takes ("progress", ...), then ("done", frames by key) or ("failed", why).
    """
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the page decides what Ctrl-C means
    while True:
        try:
            scenarios, seed, months, lang = connection.recv()
        except (EOFError, OSError):
            return
        with speaking(lang), watched(lambda *said: connection.send(("progress", *said))):
            try:
                connection.send(("done", _runs(scenarios, seed, months)))
            except Exception as error:
                connection.send(("failed", _why(error)))


def _runs(scenarios: list[Scenario], seed: int, months: int | None) -> dict:
    from sim.app.watch import frames_of
    from sim.batch import compile_kernels

    found = {}
    with Progress(len(scenarios)) as progress:
        compile_kernels(scenarios, progress)
        progress.begin_runs()
        for scenario in scenarios:
            found[key_of(scenario, seed, months)] = frames_of(scenario, seed, months)
            progress.count(finished=1)
    return found


def compare_in_process(
    connection: Connection,
    policy: Scenario,
    baseline: Scenario,
    seeds: int,
    months: int | None,
    out: str,
    controls: bool,
    lang: str,
) -> None:
    """Compare a policy with a baseline as `sim compare` does, evaluate it, and write the report.

    Parameters
    ----------
    connection
        Takes ("progress", ...), then ("done", results folder) or ("failed", why).
    policy, baseline, seeds, months, out, controls
        As for `sim.effects.compare`.
    lang
        Language of messages, and in which the report opens.
    """
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from sim.effects import compare
    from sim.evaluation.evaluate import evaluate, save
    from sim.report import write_report

    with speaking(lang), watched(lambda *said: connection.send(("progress", *said))):
        try:
            compare([policy], baseline, seeds, months, out=out, figures=False, controls=controls,
                    workers=max((os.cpu_count() or 1) - 1, 1))  # fmt: skip
            save(evaluate(out), out)
            write_report(pathlib.Path(out), lang=lang)
        except KeyboardInterrupt:
            return
        except Exception as error:
            connection.send(("failed", _why(error)))
        else:
            connection.send(("done", out))


def evaluate_in_process(connection: Connection, folder: str, lang: str) -> None:
    """Evaluate a study that lies on disk; writes evaluation.json into it, and runs nothing.

    Parameters
    ----------
    connection
        Takes ("done", results folder) or ("failed", why).
    folder
        Results folder.
    lang
        Language of messages.
    """
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from sim.evaluation.evaluate import evaluate, save

    with speaking(lang):
        try:
            save(evaluate(folder), folder)
        except Exception as error:
            connection.send(("failed", _why(error)))
        else:
            connection.send(("done", folder))


def _why(error: Exception) -> str:
    return (
        f"{shown(error)}"
        if isinstance(error, ValueError | OSError)
        else f"{type(error).__name__}: {shown(error)}"
    )
