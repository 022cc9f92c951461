"""`course doctor`: is this machine ready?"""

import typer

from course_utils.commands.terminal import console, say, shown


def doctor() -> None:
    """Check whether this machine is ready for the lessons."""
    from course_utils.doctor import MARKS, Report, checks

    colours = {True: "green", None: "yellow", False: "red"}
    found = []
    for check in checks():
        found.append(check)
        advice = shown(f"  {check.advice}", "dim") if check.advice else ""
        mark = shown(f"{MARKS[check.ok]:<7}", colours[check.ok])
        console.print(mark + shown(f" {check.name:<12} {check.found}") + advice, soft_wrap=True)
    report = Report(tuple(found))
    say(report.verdict)
    if not report.ready:
        raise typer.Exit(1)
