"""A terminal for tests: runs a command in a pseudo-terminal and answers its questions.

    fake_terminal.py COLUMNS ROWS ANSWER COMMAND...

ANSWER is what the terminal says to a question for its device attributes (ESC [ c), with \\e for ESC; "" for one
that does not answer. Prints what the command has written, the questions left out; exits as the command did, and
with 3 where the terminal's settings are not as they were."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

columns, rows, answer, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
pid, terminal = pty.fork()
if pid == 0:
    time.sleep(0.1)  # until the window has its size
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 10 * columns, 20 * rows))
before = termios.tcgetattr(terminal)
answer = answer.replace("\\e", "\033").encode()
output, answered = b"", False
end = time.monotonic() + 60
while time.monotonic() < end:
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # the command has ended
            break
        if not some:
            break
        output += some
        if not answered and b"\033[c" in output:
            answered = True
            os.write(terminal, answer)
settings_kept = termios.tcgetattr(terminal)[:4] == before[:4]
output = output.replace(b"\033]11;?\033\\", b"").replace(b"\033[c", b"").replace(b"\r\n", b"\n")
sys.stdout.buffer.write(output)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(status if settings_kept else 3)
