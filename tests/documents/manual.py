#!/usr/bin/python3
"""manual.py: what spool.h and its manual page say, each as lines that can be compared.

    manual.py prototypes|members|names|errors|functions HEADER|PAGE
    manual.py table PAGE

A file that ends in .h is the header, another one the page, formatted as text with no line wrapped. For `table`
nothing is printed if the page's table has the members of Python's class, and no others.
"""
import errno
import inspect
import io
import re
import sys
import tempfile


def squeeze(text):
    return " ".join(text.split())


def errors(text):
    """What a function fails with: errno names, the system calls whose errno it passes on, and likewise functions."""
    text = squeeze(text)
    found = set(re.findall(r"\bE[A-Z0-9]+\b", text)) & set(errno.errorcode.values())
    for calls in re.findall(r"\b(?:those|errno) of ((?:\w+\(2\)(?:, | and )?)+)", text, re.I):
        found |= set(re.findall(r"\w+\(2\)", calls))
    return found | set(re.findall(r"\bas (spool_\w+\(\))", text, re.I))


class Header:
    def __init__(self, text):
        self.code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        self.comments = {}      # of the prototypes: each stands behind its own
        comment = ""
        for found, prototype in re.findall(r"/\*(.*?)\*/|^(\w[^;{}#/]*\([^;{}#/]*\));", text, re.S | re.M):
            if prototype and "tatic_assert" not in prototype:
                self.comments[squeeze(prototype)] = comment
            comment = re.sub(r"^ \*", "", found, flags=re.M)

    def prototypes(self):
        return self.comments

    def members(self):
        for body in re.findall(r"^struct \w+ \{(.*?)\};", self.code, re.S | re.M):
            yield from (squeeze(member) for member in body.split(";") if member.strip())
        for body in re.findall(r"^enum \w+ \{(.*?)\};", self.code, re.S | re.M):
            yield from (squeeze(member) for member in body.split(","))

    def names(self):
        return set(re.findall(r"\bspool_\w+|\bSPOOL_\w+", self.code)) - {"SPOOL_H"}

    def functions(self):
        return (re.search(r"\w+(?=\()", prototype)[0] for prototype in self.comments)

    def errors(self):
        return zip(self.functions(), map(errors, self.comments.values()))


class Page:
    def __init__(self, text):
        self.sections = {}
        for line in text.splitlines():
            if line[:1].isalpha():
                lines = self.sections.setdefault(line, [])
            else:
                lines.append(line)

    def text(self, *names):
        return "\n".join(line for name in names for line in self.sections[name])

    def prototypes(self):
        types = filter(None, self.sections["SYNOPSIS"][1:])
        for kind, name in zip(types, types):
            yield re.sub(r"\* ", "*", kind.strip() + " " + name.strip()).removesuffix(";")

    # The tags of the lists: what is no sentence.
    def members(self):
        for line in self.text("DESCRIPTION", "RETURN VALUES").splitlines():
            if re.match(r" {5}\S", line) and line[-1] not in ".:":
                yield line.strip()

    def names(self):
        return set(re.findall(r"\bspool_\w+|\bSPOOL_\w+", self.text("DESCRIPTION", "RETURN VALUES")))

    def functions(self):
        return set(re.findall(r"\b(spool_\w+)\(\)", self.text("STANDARDS")))

    def errors(self):
        listed = dict(re.findall(r"^ {5}(\w+)\(\)\n((?: {6,}.*\n?)+)", self.text("ERRORS"), re.M))
        for prototype in self.prototypes():
            name = re.search(r"\w+(?=\()", prototype)[0]
            yield name, errors(listed.pop(name, ""))
        yield from listed.items()

    def table(self):
        named = set()
        rows = re.search(r"^ {5}Python .*\n((?:.+\n)+)", self.text("STANDARDS"), re.M)[1]
        for left in re.findall(r"^ {5}(\S.*?)  ", rows, re.M):
            named |= set(left.split(", "))
        python = tempfile.SpooledTemporaryFile
        members = {name for name in dir(python) if not name.startswith("_")}
        members |= set(inspect.signature(python).parameters)
        # Not in all versions of it.
        more = {python.__name__}.union(dir(python), dir(io.TextIOWrapper), dir(io.BytesIO), dir(io.FileIO))
        yield from ("not in the table: " + name for name in members - named)
        yield from ("not in Python: " + name for name in named - members - more)


what, path = sys.argv[1:]
with open(path, encoding="ascii") as file:
    source = (Header if path.endswith(".h") else Page)(file.read())
for line in sorted(getattr(source, what)()):
    print(line if isinstance(line, str) else line[0] + ": " + " ".join(sorted(line[1])))
