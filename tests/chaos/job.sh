# job.sh NAME OUTPUT: one job. It holds its lock as long as any of its processes lives, so that a second copy shows.
set -euo pipefail
name=$1 output=$2
exec 9> "$LOCKS/$name"
conflict=77  # the code of a killed flock is another
flock --nonblock --conflict-exit-code $conflict 9 || {
  [ $? != $conflict ] || echo "OVERLAP $name" >> "$JOBLOG"
  exit 9
}
echo "first half of $name" > "$output"
case $name in
  *1) setsid --wait sleep 0.06 ;;
  *2) env -i sleep 0.06 ;;
  *) (sleep 0.06; true) & wait $! ;;
esac
echo "second half of $name" >> "$output"
