"""What every test starts from."""

from __future__ import annotations

import signal

# A shell's background job ignores SIGINT, and so would every process that a test starts and
# then interrupts: a disposition of "ignore" is inherited, a handler is not.
signal.signal(signal.SIGINT, signal.default_int_handler)
