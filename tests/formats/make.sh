#!/bin/bash
# make.sh FURROW FOLDER: makes in an empty FOLDER what tests/formats keeps of the version FURROW: a store, a job log with its keys, and the resume
# file of a map that one task has failed. FURROW_PYTHON_MODULE is the folder with that version's module.
set -e
here=$(cd "$(dirname "$0")" && pwd); furrow=$(realpath "$1"); mkdir -p "$2"; cd "$2"
cp "$here/first/Snakefile" "$here/first/squares.py" .
echo in > in.txt
"$furrow" run -q -c1
"$furrow" map --joblog log -k echo ::: 1 2
PYTHONPATH=$FURROW_PYTHON_MODULE /usr/bin/python3 squares.py 2>/dev/null || true
gzip -9n -c .furrow/furrow.db > furrow.db.gz
python3 -c 'import json, os; print(json.dumps({n: os.stat(n).st_mtime_ns for n in ("in.txt", "a.txt", "b.txt")}))' > times.json
rm -rf .furrow ran calls a.txt b.txt in.txt
