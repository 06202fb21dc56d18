"""Nothing reaches a shell unquoted: programs are started by lists of words, and a line for the shell of another machine is a
constant or made by ``shlex.join``, the one function that quotes. Whoever adds another way must say so here.
"""

import ast
from pathlib import Path

import pytest

from tests.architecture.test_house_rules import ROOT, tracked_files

BANNED = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
    "pty.spawn", "commands.getoutput", "os.spawnl", "os.execl", "os.startfile",
}  # fmt: skip
LINES_FOR_A_SHELL = {"run", "open", "start_command"}
"""Methods of a remote shell; the first argument is read by the login shell there."""
SHELLS = {"_shell", "shell", "_connection"}
"""What such an object is called."""
ITS_OWN_LINE = {("engine/ssh/logging_in/local_ssh.py", "ProxyProcess")}
"""A ProxyCommand is a line that the user wrote for the shell; what is put into it for %h and %r is checked before."""
PASSED_ON = {("engine/ssh/shell.py", "command")}
"""The shell itself passes on what it was given."""


def sources():
    return [path for path in tracked_files("engine/*.py", "gui/*.py", "packaging/*.py") if path.is_file()]


def name_of(node):
    """``os.system`` for such an expression."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([*([node.id] if isinstance(node, ast.Name) else []), *reversed(parts)])


def calls_in(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def is_constant(node):
    """A text that is written there, or a constant's name."""
    named = isinstance(node, ast.Name) and node.id.lstrip("_").isupper()
    choice = isinstance(node, ast.IfExp) and is_constant(node.body) and is_constant(node.orelse)
    return named or choice or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def is_safe_line(node):
    """A constant, ``shlex.join(...)``, or a constant before it."""
    joined = isinstance(node, ast.Call) and name_of(node.func) == "shlex.join"
    added = (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and is_safe_line(node.left) and is_safe_line(node.right)
    )
    return joined or added or is_constant(node)


def unsafe_words(source, file):
    """Sentences about calls that a shell would read."""
    tree = ast.parse(source)
    safe_names = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_safe_line(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = name_of(node.func)
            if called in BANNED or is_asked_for_a_shell(node, called):
                found.append(f"{file}:{node.lineno} {called} starts a shell")
            if is_line_for_a_shell(node) and not (is_safe_line(node.args[0]) or is_known_name(node.args[0], safe_names, file)):
                found.append(f"{file}:{node.lineno} {called} is given a line that is not quoted by shlex.join")
        if isinstance(node, ast.List | ast.Tuple) and not is_constant_script(node) and not in_own_line(tree, node, file):
            found.append(f"{file}:{node.lineno} sh -c is given a text that is put together")
    return found


def is_asked_for_a_shell(node, called):
    starts = called.rpartition(".")[2] in ("run", "Popen", "call", "check_call", "check_output")
    return starts and any(word.arg == "shell" and not is_false(word.value) for word in node.keywords)


def is_false(node):
    return isinstance(node, ast.Constant) and node.value is False


def is_line_for_a_shell(call):
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in LINES_FOR_A_SHELL and call.args):
        return False
    return name_of(call.func.value).rpartition(".")[2] in SHELLS


def is_known_name(node, safe_names, file):
    return isinstance(node, ast.Name) and (node.id in safe_names or (file, node.id) in PASSED_ON)


def is_constant_script(node):
    """The word after ``-c`` of a shell is a constant."""
    words = [word.value if isinstance(word, ast.Constant) else None for word in node.elts]
    for place, word in enumerate(words[:-1]):
        if word == "-c" and any(isinstance(one, str) and one.rpartition("/")[2] in ("sh", "bash") for one in words[:place]):
            return is_constant(node.elts[place + 1])
    return True


def in_own_line(tree, node, file):
    owners = [one for one in ast.walk(tree) if isinstance(one, ast.ClassDef | ast.FunctionDef) and node in ast.walk(one)]
    return any((file, owner.name) in ITS_OWN_LINE for owner in owners) or is_for_people(owners, file)


def is_for_people(owners, file):
    """``shell_line`` is shown, to be copied; its words are joined by shlex before and after."""
    return file == "engine/llama_cpp/command_lines.py" and any(owner.name == "shell_line" for owner in owners)


def test_nothing_is_put_together_for_a_shell():
    found = []
    for path in sources():
        file = path.relative_to(ROOT).as_posix()
        found += unsafe_words(path.read_text(encoding="utf-8"), file)
    assert found == []


@pytest.mark.parametrize(
    "bad",
    [
        "subprocess.run(line, shell=True)",
        "os.system('ls ' + name)",
        "os.popen(name)",
        "self._shell.run(f'rm -r {folder}', timeout_seconds=1)",
        "self._shell.run('rm -r ' + folder, timeout_seconds=1)",
        "shell.open('cat ' + shlex.quote(name))",
        "Popen(['/bin/sh', '-c', f'exec {command}'])",
        "Popen(('bash', '-c', line))",
        "stream = shell.open(line)",
    ],
)
def test_the_rule_sees_what_it_forbids(bad):
    assert unsafe_words(bad, "engine/somewhere.py") != []


@pytest.mark.parametrize(
    "good",
    [
        "shell.run(shlex.join(('ls', '--', name)), timeout_seconds=1)",
        "shell.run('exec ' + shlex.join(words))",
        "line = shlex.join(words)\nshell.run(line)",
        "shell.open(COMMAND if simple else OTHER_COMMAND)",
        "Popen(['sh', '-c', _SCRIPT, 'sh', name])",
        "path.open('rb')",
    ],
)
def test_the_rule_lets_the_rest_be(good):
    assert unsafe_words(good, "engine/somewhere.py") == []


def test_what_is_excused_is_still_there():
    for file, name in (*ITS_OWN_LINE, *PASSED_ON):
        assert name in (ROOT / file).read_text(encoding="utf-8"), f"take {name} of {file} off the list"
    assert Path(ROOT, "engine/llama_cpp/command_lines.py").is_file()


ONLY_SWEEPS = ("engine/settings/on_disk/leftovers.py", "packaging/test_packages.py")
"""Removes what is old and ours and follows no link; mounts below a fresh root that nobody else is in (as ``testing`` does)."""


def test_nothing_has_a_name_below_tmp_that_somebody_could_guess():
    """Whoever guesses it puts a link there. ``tempfile`` makes names nobody guesses, in folders that only we enter."""
    guessable = ("/tmp", "/var/tmp", "/dev/shm", "gettempdir", "mktemp(", "delete=False")
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in [*sources(), *tracked_files("engine/*.sh")]
        if path.relative_to(ROOT).as_posix() not in ONLY_SWEEPS and path.parts[-2] != "testing"
        for word in guessable
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []
