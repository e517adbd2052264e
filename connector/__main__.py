"""`python -m connector` is `rupt-connector`."""

from connector.cli.main import main

main()
