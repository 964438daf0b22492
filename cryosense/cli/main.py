"""The command line: ``cryosense <verb> [Hydra overrides]``."""

import atexit
import difflib
import importlib
import os
import sys
import threading
from contextlib import suppress
from importlib.metadata import version

from cryosense.cli.listeners import speak_to_whoever_listens

VERBS = {
    "simulate": "make a particle stack with known truth: density, poses, CTF, noise",
    "advise": "how far a particle stack can be compressed, what that loses, which command does it",
    "measure": "measure a particle stack once and for all: one small file that other verbs read",
    "inspect": "what is in a measurement file, what it spends, whether it is whole",
    "reconstruct": "measure a particle stack through masks, reconstruct it, score it (-m sweeps)",
    "train": "train a network on a particle stack (model=ddpm, unrolled)",
    "align": "find the poses of a particle stack by a reference map, knowing masks, CTF and noise",
    "backproject": "make half maps, full map and FSC from a particle stack with poses",
    "export": "cryoDRGN's poses.pkl and ctf.pkl for a particle stack",
    "design": "bits for each shell, or Fourier masks (kind=masks), that keep the most under a budget",
    "validate": "put noise and particles without fine detail through the chain: what comes out is invented",
    "compare-latents": "cryoDRGN's latents of the same particles: the same clusters, the same neighbours?",
    "compare-models": "atomic models with each other, residue by residue, and with a map",
    "collect": "gather the rows below a directory into tables and one picture",
    "report": "the same as one HTML file, with curves and maps, to be read anywhere",
}

# Older names still work.
RENAMED = {"design-mask": ("design", "kind=masks")}

# These write as they go, and take up what is there; the others write at the end.
GOING_ON = {"simulate", "measure", "reconstruct", "train", "align", "backproject"}


def usage() -> str:
    """Return the text of ``cryosense --help``: one line per verb."""
    lines = [f"  {verb:<15} {line}" for verb, line in VERBS.items()]
    return "\n".join(
        [
            "usage: cryosense <verb> [key=value ...] [option ...]",
            "",
            "Compressive sensing for cryo-electron microscopy.",
            "",
            *lines,
            "",
            "Options:",
            "  <verb> --help        what a verb does, with examples, its choices and its keys",
            "  <verb> --help KEY    all about one key or choice",
            '  --completion SHELL   completion for bash, zsh or fish: eval "$(cryosense --completion bash)"',
            "  --traceback          where an error comes from; also CRYOSENSE_TRACEBACK=1",
            "  --version            which version this is",
        ]
    )


def main() -> int:
    """Run one verb and return the exit status.

    0, or 2 if no verb is named; a verb that refuses its input exits with 1, one that is stopped with 130 (Ctrl-C) or 143
    (SIGTERM).
    """
    arguments = [word for word in sys.argv[1:] if word != "--traceback"]
    if len(arguments) < len(sys.argv) - 1:
        os.environ["CRYOSENSE_TRACEBACK"] = "1"
    return _answer(arguments)


def program() -> None:
    """Run one verb and end the process with its exit status.

    What is to be done at the end is done, but libraries are not taken down one by one: their memory goes with the process, and
    to take down PyTorch needs more of it than most verbs do.
    """
    speak_to_whoever_listens()
    try:
        status: str | int | None = main()
    except SystemExit as asked:
        status = asked.code
    if any(not each.daemon for each in threading.enumerate()[1:]) or isinstance(status, str):
        sys.exit(status)  # as any program ends, which waits for threads, and says what a text says
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError as error:  # as on a full disk, for which nothing else that was done is to blame
        status = status or 1
        print(f"cryosense: what it says cannot be written: {error.strerror}", file=sys.stderr)
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(status or 0)


def _answer(arguments: list[str]) -> int:
    """What needs no verb at once; a verb otherwise."""
    verb, others = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if verb in {"-h", "--help"}:
        print(usage())
        return 0 if arguments else 2
    if verb == "--version":
        print(f"cryosense {version('cryosense')}")
        return 0
    if verb == "--completion":
        return _completion(others)
    if verb == "--complete":  # asked by the shell
        from cryosense.cli.help.completion import candidates

        print("\n".join(candidates(" ".join(others), VERBS)))
        return 0
    if verb in RENAMED:
        verb, more = RENAMED[verb]
        print(f"cryosense {arguments[0]}: is now called cryosense {verb} {more}", file=sys.stderr)
        others = [more, *others]
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, [*VERBS, "--help", "--version", "--completion"], 1)
        meant = f"; the nearest is {near[0]}" if near else ""
        print(f"cryosense: no verb {verb!r}{meant}. There are {', '.join(VERBS)}", file=sys.stderr)
        return 2
    if {"--help", "-h"} & set(others):
        return _help(verb, others)
    # Imported here, so that the answers above come at once.
    from cryosense.cli.stopping import stoppable

    advice = "the same command goes on from what is done" if verb in GOING_ON else "the same command begins anew"
    with stoppable(verb, advice):
        return _run(verb, others)


def _run(verb: str, words: list[str]) -> int:
    from cryosense.cli.composing import checked
    from cryosense.cli.early import refuse_early
    from cryosense.cli.help.arguments import options_first, refuse_unknown_options
    from cryosense.cli.importing import bound_when_called, lean_torch, nothing_is_garbage
    from cryosense.cli.positional import in_full
    from cryosense.cli.refusal import one_line
    from cryosense.cli.typed_words import as_typed

    lean_torch()
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that errors reach one_line unchanged
    with one_line(verb), checked():
        refuse_unknown_options(words)
        sys.argv = [f"cryosense {verb}", *options_first(as_typed(verb, words))]
        if words[:1] == ["--cfg"] and len(words) <= 2:
            return _composed(verb)
        refuse_early(verb, in_full(verb, sys.argv[1:]))
        with nothing_is_garbage(), bound_when_called():
            module = importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
        return int(module.main() or 0)


def _composed(verb: str) -> int:
    """What Hydra itself says of a verb's configuration, without what the verb works with, which takes seconds to import."""
    import hydra

    from cryosense.cli.conf_dir import conf_dir

    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=verb)(_composed)()
    return 0


def _help(verb: str, words: list[str]) -> int:
    """The verb's keys from its configuration files, without what the verb works with, which takes seconds to import."""
    from cryosense.cli.help.arguments import asked_about
    from cryosense.cli.help.page import key_page, no_such_key, verb_page

    key = asked_about(words)
    said = verb_page(verb, words) if key is None else key_page(verb, key)
    if said is None:
        print(f"cryosense {verb}: {no_such_key(verb, str(key))}", file=sys.stderr)
        return 1
    print(said)
    return 0


def _completion(words: list[str]) -> int:
    from cryosense.cli.help.completion import SHELLS

    if len(words) != 1 or words[0] not in SHELLS:
        print(f"cryosense: --completion {' '.join(words)}: one of {', '.join(SHELLS)}", file=sys.stderr)
        return 2
    print(SHELLS[words[0]], end="")
    return 0
