"""`python -m tradingd`: the same as the `tradingd` command."""

from tradingd.cli.app import main

if __name__ == "__main__":
    main()
