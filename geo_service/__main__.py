"""`python -m geo_service`: the command line where no script was installed on the path."""

from geo_service.cli import main

if __name__ == "__main__":
    main()
