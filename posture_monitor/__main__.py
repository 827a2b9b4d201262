"""Run the command line with ``python -m posture_monitor``."""

from posture_monitor.cli import main

if __name__ == "__main__":
    main()
