"""The command line: ``cryosense <verb> [Hydra overrides]``."""

import importlib
import sys

from cryosense.cli.strangers import ForeignConfigError, refuse_foreign_code

VERBS = {
    "simulate": "make a particle stack with known truth: density, poses, CTF, noise",
    "reconstruct": "measure a particle stack through masks, reconstruct it, score it (-m sweeps)",
    "train": "train a network on a particle stack (model=ddpm, unrolled)",
    "backproject": "make half maps, full map and FSC from a particle stack with poses",
    "export": "cryoDRGN's poses.pkl and ctf.pkl for a particle stack",
    "design-mask": "from an uncompressed pilot, the Fourier masks that keep the most resolution",
    "validate": "put noise and particles without fine detail through the chain: what comes out is invented",
    "compare-latents": "cryoDRGN's latents of the same particles: the same clusters, the same neighbours?",
    "compare-models": "atomic models with each other, residue by residue, and with a map",
    "collect": "gather the rows below a directory into tables and one picture",
    "report": "the same as one HTML file, with curves and maps, to be read anywhere",
}


def usage() -> str:
    """-> the text of ``cryosense --help``: one line per verb."""
    lines = [f"  {verb:<15} {line}" for verb, line in VERBS.items()]
    return "\n".join(
        [
            "usage: cryosense <verb> [key=value ...]",
            "",
            "Compressive sensing for cryo-electron microscopy.",
            "",
            *lines,
            "",
            "cryosense <verb> --help lists the keys of a verb; --cfg job prints its resolved configuration.",
        ]
    )


def main() -> int:
    """Run one verb. -> exit status: 0, or 2 where no verb is named; a verb that refuses its input exits with 1."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(usage())
        return 0 if arguments else 2
    verb = arguments[0]
    if verb not in VERBS:
        print(f"cryosense: no verb {verb!r}; the verbs are {', '.join(VERBS)}", file=sys.stderr)
        return 2
    try:
        refuse_foreign_code(arguments[1:])
    except ForeignConfigError as error:
        raise SystemExit(f"cryosense {verb}: {error}") from None
    from cryosense.cli.typed_words import as_typed  # Hydra takes a moment to import, which --help should not wait for

    sys.argv = [f"cryosense {verb}", *as_typed(verb, arguments[1:])]
    module = importlib.import_module(f"cryosense.cli.{verb.replace('-', '_')}")
    return int(module.main() or 0)
