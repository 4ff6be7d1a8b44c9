"""`python -m testamur` is the command `testamur`."""

from testamur.cli import main

if __name__ == "__main__":
    main()
