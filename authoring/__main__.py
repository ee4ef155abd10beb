"""`python -m authoring`."""

from authoring.cli import main

if __name__ == "__main__":
    main()
