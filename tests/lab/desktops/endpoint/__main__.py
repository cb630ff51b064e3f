"""`python3 -m endpoint --config FILE`: serves until SIGTERM; says on standard output what it listens on."""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import signal
from pathlib import Path

from .config import Config, ConfigError
from .server import Endpoint


async def serve(config: Config) -> None:
    """Listen, say so, and wait for the signal to stop."""
    endpoint = Endpoint(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    for address, port, scheme in await endpoint.listen():
        print(f"listening {scheme} {address} {port}", flush=True)
    print("ready", flush=True)
    await stop.wait()
    await endpoint.close()


def main() -> None:
    """Read the command line and the configuration."""
    parser = argparse.ArgumentParser(prog="endpoint", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON; README.md has the format")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        config = Config.read(arguments.config)
    except ConfigError as error:
        parser.exit(2, f"endpoint: {error}\n")
    # A thousand desktops have a thousand connections.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(config))


if __name__ == "__main__":
    main()
