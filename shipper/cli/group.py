"""A group of commands whose help says of each, in full, what it does."""

from __future__ import annotations

import inspect

import click


class CommandGroup(click.Group):
    """click's own cuts what a command does to the rest of the line; this one prints the first sentence, wrapped."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the section about commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, _first_sentence(command))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


def _first_sentence(command: click.Command) -> str:
    text = " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())
    head, dot, _ = text.partition(". ")
    return f"{head}." if dot else text
