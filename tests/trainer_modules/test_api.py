"""The facade of the task files: what it has is in `test_architecture`; here, what it costs."""

import subprocess
import sys


def test_importing_it_imports_no_framework() -> None:
    """`--list` and a mistake in a task file would else take ten seconds."""
    program = (
        "import sys, trainer_modules.api\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'tfx', 'apache_beam', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
