"""Finds what can be mutated in a C file of ours: statements, conditions and their parts, neighbours.

It reads the kernel style that clang-format writes, and knows no preprocessor. A mutant is never a text that means the
same: what is left out, and what replaces it, is said by its kind.
"""

import collections
import re

# Replace BEGIN..END of the text by INSTEAD. Function, kind and text name it, the latter with white space folded.
Mutant = collections.namedtuple("Mutant", "file line function kind text begin end instead")

DECLARATION = re.compile(r"(static |const |unsigned |struct |enum )*(\w+_t|char|int|long|bool|double|short|struct \w+|enum \w+"
                         r"|unsigned|DIR)\b[\s*]*\w+[^()]*?(=|;|\[|,)")
FUNCTION = re.compile(r"^[a-zA-Z_][^\n;={}#]*(?:\n[^\n{};#]+)*\)\n\{$", re.M)


def masked(text):
    """Comments, strings and characters become blanks: what is left has braces and semicolons that mean something."""
    def blank(match):
        return re.sub(r"[^\n]", " " if match[0].startswith("/") else "x", match[0])
    return re.sub(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'", blank, text, flags=re.S)


def matching(code, at):
    """Where the bracket that opens at AT is closed."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth == 0:
            return i
    raise ValueError("no end of a bracket")


def parts(code, begin, end, operator):
    """The operands of OPERATOR in BEGIN..END, outside of brackets."""
    found, at, i = [], begin, begin
    while i < end:
        if code[i] in "([{":
            i = matching(code, i)
        elif code.startswith(operator, i):
            found.append((at, i))
            at = i = i + 2
            continue
        i += 1
    return found + [(at, end)]


def operands(code, begin, end):
    """(begin, end, neutral) of each operand of && and ||, at every depth."""
    while begin < end and code[begin] in "! \t\n":
        begin += 1
    while begin < end and code[end - 1].isspace():
        end -= 1
    if begin >= end or "?" in code[begin:end]:
        return []
    for operator, neutral in ("||", "0"), ("&&", "1"):
        split = parts(code, begin, end, operator)
        if len(split) > 1:
            return [each for a, b in split for each in [(a, b, neutral)] + operands(code, a, b)]
    if code[begin] == "(" and matching(code, begin) == end - 1:
        return operands(code, begin + 1, end - 1)
    return []


class Finder:
    def __init__(self, file, text):
        self.file, self.text, self.code = file, text, masked(text)
        self.function, self.found = "", []

    def add(self, kind, begin, end, instead, text=None):
        while begin < end and self.text[begin].isspace():
            begin += 1
        while begin < end and self.text[end - 1].isspace():
            end -= 1
        text = " ".join(re.sub(r"/\*.*?\*/", "", text or self.text[begin:end], flags=re.S).split())
        line = self.text.count("\n", 0, begin) + 1
        self.found.append(Mutant(self.file, line, self.function, kind, text, begin, end, instead))

    def skip(self, at):
        while self.code[at].isspace():
            at += 1
        return at

    def condition(self, keyword, begin, end, block):
        """Of an if, whose body, if it is one statement, is removed anyway; of a loop: it never runs."""
        text = f"{keyword} ({self.text[begin:end]})"
        if keyword == "for":
            first = self.code.index(";", begin)
            begin, end = first + 1, self.code.index(";", first + 1)
        if keyword != "if" or block:
            self.add("never", begin, end, "0", text)
        if keyword == "if":
            self.add("always", begin, end, "1", text)
        for a, b, neutral in operands(self.code, begin, end):
            self.add("part " + neutral, a, b, neutral, f"{self.text[a:b]} OF {text}")

    def block(self, at):
        """The statements from behind a brace on, and swaps of those that stand side by side; returns its end."""
        simple = []
        while True:
            at = self.skip(at)
            if self.code[at] == "}":
                break
            begin = at
            at = self.statement(at)
            if self.found and self.found[-1].kind == "remove" and self.found[-1].begin == begin:
                simple.append((begin, at))
            else:
                simple.append(None)
        for one, two in zip(simple, simple[1:]):
            if one and two:
                (a, b), (c, d) = one, two
                self.add("swap", a, d, self.text[c:d] + self.text[b:c] + self.text[a:b])
        return at + 1

    def statement(self, at):
        at = self.skip(at)
        if self.code[at] == "{":
            return self.block(at + 1)
        keyword = re.compile(r"(if|while|for|switch)\b\s*(?=\()").match(self.code, at)
        if keyword:
            end = matching(self.code, keyword.end())
            after = self.skip(end + 1)
            self.condition(keyword[1], keyword.end() + 1, end, self.code[after] == "{" or
                           re.match(r"(if|for|while)\b", self.code[after:]))
            after = self.statement(after)
            other = re.compile(r"\s*else\b").match(self.code, after)
            return self.statement(other.end()) if other else after
        end = self.code.index(";", at)
        code = self.code[at:end + 1]
        value = code.find("=")
        if DECLARATION.match(code):
            if value > 0 and not re.match(r"\s*[{]", code[value + 1:]) and "POISON" not in code[:value]:
                for match in re.finditer(r"= ?([^,;]*(?:\([^;]*\)[^,;]*)*)", code):
                    if match[1].strip() not in ("0", "NULL", "false"):
                        self.add("zero", at + match.start(1), at + match.end(1), "0", code)
                for a, b, neutral in operands(self.code, at + value + 1, end):
                    self.add("part " + neutral, a, b, neutral, f"{self.text[a:b]} OF {code}")
        elif code.startswith("return"):
            for a, b, neutral in operands(self.code, at + len("return"), end):
                self.add("part " + neutral, a, b, neutral, f"{self.text[a:b]} OF {code}")
            if not self.last(end):
                self.add("remove", at, end + 1, ";")
        elif not re.match(r"(break|continue)\b", code):
            self.add("remove", at, end + 1, ";")
        return end + 1

    def last(self, end):
        """Is this the end of the function? Without its return it would have no result."""
        return self.code[self.skip(end + 1) - 1:][:2] == "\n}"

    def run(self):
        for match in FUNCTION.finditer(self.code):
            self.function = re.search(r"(\w+)\(", match[0])[1]
            self.block(match.end())
        return self.found


def mutants(file, text):
    """What is the same as one before it in its function has a number."""
    seen, found = collections.Counter(), Finder(file, text).run()
    for i, each in enumerate(found):
        seen[each.function, each.kind, each.text] += 1
        number = seen[each.function, each.kind, each.text]
        if number > 1:
            found[i] = each._replace(text=f"{each.text} ({number})")
    return found
