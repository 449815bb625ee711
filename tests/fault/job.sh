# job.sh NAME OUTPUT [INPUT...]: one job of the Snakefile in this folder.
set -euo pipefail
name=$1 output=$2
shift 2
exec 9> "$LOCKS/$name"
if ! flock --nonblock 9; then
  echo "OVERLAP $name" >> "$JOBLOG"
  exit 9
fi
echo "START $name" >> "$JOBLOG"
echo "first half of $name" > "$output"
sleep 0.01 9>&-
cat "$@" >> "$output"
echo "second half of $name" >> "$output"
echo "END $name" >> "$JOBLOG"
