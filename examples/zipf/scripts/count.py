"""count.py TEXT COUNTS: counts the words of a text, most frequent first."""
import re
import sys
from collections import Counter

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def main(text_path, counts_path):
    with open(text_path, encoding="utf-8", errors="replace") as text:
        counts = Counter(word.lower() for line in text for word in WORD.findall(line))
    if not counts:
        sys.exit(f"{text_path} holds no words")
    with open(counts_path, "w", encoding="utf-8") as table:
        for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            table.write(f"{word}\t{count}\n")


main(*sys.argv[1:])
