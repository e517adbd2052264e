"""The speed of `serve`: `python -m tests.bench.serve_bench accept | deliver | whole | backlog | all`.

The process that is measured has one core to itself, the generator and the target have the other. Candidates take turns
within one run; figures are medians, and those of other runs are no measure. It needs Linux, and Node 18 or later for
`deliver` and `whole`. It judges nothing.
"""

import argparse
import os
import sys

from tests.bench import serve_accept, serve_backlog, serve_deliver, serve_whole


def main() -> None:
    """Run one of the benches, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", choices=("accept", "deliver", "whole", "backlog", "all"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measure of accept, deliver and backlog")
    parser.add_argument(
        "--rate", type=float, help="events a second at which latencies are measured; half of the maximum"
    )
    parser.add_argument("--events", type=int, default=40_000, help="that go the whole way")
    parser.add_argument("--jobs", type=int, default=1_000_000, help="of the backlog")
    parser.add_argument("--node-modules", default=os.environ.get("NODE_PATH"), help="a folder with Segment's packages")
    options = parser.parse_args()
    rounds, seconds, names = options.rounds, options.seconds, [options.bench]
    if options.bench == "all":
        names = ["accept", "deliver", "whole", "backlog"]
    print(f"Python {sys.version}, {len(os.sched_getaffinity(0))} cores", flush=True)
    for name in names:
        match name:
            case "accept":
                serve_accept.run(rounds=rounds, seconds=seconds, rate=options.rate)
            case "deliver":
                serve_deliver.run(rounds=rounds, seconds=seconds, jobs=int(20_000 * seconds))
            case "whole":
                serve_whole.run(rounds=rounds, events=options.events, node_modules=options.node_modules)
            case "backlog":
                serve_backlog.run(rounds=rounds, seconds=seconds, jobs=options.jobs)


if __name__ == "__main__":
    main()
