"""`python -m api.cli` is `nuanzhang`."""

from api.cli.main import main

if __name__ == "__main__":
    main()
