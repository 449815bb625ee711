# bash completion of furrow. Installed as share/bash-completion/completions/furrow.

_furrow_map_options='--arg-file --arg-file-sep --arg-sep --bar --batch-nodes --block --colsep --csv --delay --delimiter --dry-run --env --eof --executor --eta
  --exit --group --halt --header --help --joblog --joblog-usage --jobs --keep-order --line-buffer --link --load --max-args --max-chars
  --max-lines --max-replace-args --memfree --nice --no-keep-order --no-run-if-empty --null --output --packing --pipe --pipe-part --plus
  --process-slot-var --progress --quiet --quote --recend --recstart --regexp --replace --resource --results --resume --resume-failed --retries
  --retry-failed --rrs --seed --shell --shuf --silent --tag --tagstring --termseq --timeout --tmpdir --total-jobs --trace --trim --ungroup
  --verbose --wd --xargs -0 -C -E -I -L -N -P -X -a -d -h -j -k -m -n -q -r -s -t -u -v -x'
# Those that take a value in the next word.
_furrow_map_valued=' --arg-file --arg-file-sep --arg-sep --batch-nodes --block --colsep --delay --delimiter --env --executor --halt --header --joblog --jobs --load
  --max-args --max-chars --max-replace-args --memfree --nice --output --packing --process-slot-var --recend --recstart --resource --results --retries --seed
  --shell --tagstring --termseq --timeout --tmpdir --total-jobs --trace --trim --wd -C -E -I -L -N -P -a -d -j -n -s '
_furrow_run_options='--allow-ambiguity --config --configfile --cores --dag --default-resources --delete-all-output --delete-temp-output
  --detailed-summary --directory --dry-run --envvars --executor --filegraph --force --forceall --forcerun --help --ignore-incomplete
  --jobs --keep-going --keep-incomplete --latency-wait --list --list-target-rules --max-checksum-file-size --max-threads --notemp
  --omit-from --printshellcmds --prioritize --profile --python --quiet --replace-workflow-config --rerun-incomplete --rerun-triggers
  --resources --retries --rulegraph --set-resources --set-scatter --set-threads --shadow-prefix --snakefile --summary --touch --unlock --nolock --until --wrapper-prefix --edit-notebook --draft-notebook --notebook-listen
  --verbose --why --workflow-profile --batch-cores --batch-nodes --cluster --cluster-cancel --cluster-cancel-nargs --cluster-status --local-cores
  --max-jobs-per-second --max-status-checks-per-second --packing --groups --group-components --set-resource-scopes --seconds-between-status-checks --cluster-generic-submit-cmd --cluster-generic-status-cmd --cluster-generic-cancel-cmd
  --cluster-generic-cancel-nargs --slurm --all-temp --list-changes --list-code-changes --list-input-changes
  --list-params-changes --max-jobs-per-timespan --no-hooks --show-failed-logs --batch --job-results --benchmark-extended --strict-dag-evaluation
  --consider-ancient --omit-flags --cluster-sync --precommand --queue-input-wait-time --version --wait-for-files --wait-for-files-file
  --stats --dashboard --trace --debug-dag --list-untracked --d3dag --archive --report --report-after-run --report-stylesheet --report-metadata --print-compilation --lint --cleanup-metadata --jobscript --cluster-config --use-conda --use-apptainer --use-singularity --use-envmodules --software-deployment-method --sdm --conda-prefix --conda-frontend --conda-base-path --conda-cleanup-pkgs --conda-not-block-search-path-envvars --conda-create-envs-only --list-conda-envs --conda-cleanup-envs --containerize --container-runtime --apptainer-prefix --singularity-prefix --apptainer-args --singularity-args --container-args --container-cleanup-images --cleanup-containers -c -d -f -j -k -n -p -q -s'

_furrow_files() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$@" -- "$cur")
}

_furrow_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_furrow_map() {
  local i=2 word
  # Options end at the command; behind it stand its own arguments, and those of :::.
  while [ $i -lt "$COMP_CWORD" ]; do
    word=${COMP_WORDS[i]}
    case $word in
      ::*) break ;;
      -*) [[ " $_furrow_map_valued " =~ [[:space:]]$word[[:space:]] ]] && i=$((i + 1)) ;;
      *) break ;;
    esac
    i=$((i + 1))
  done
  if [ $i -lt "$COMP_CWORD" ]; then
    if [[ " ${COMP_WORDS[*]:i} " != *' ::'* ]] && declare -F _command_offset > /dev/null; then
      _command_offset $i
    else
      _furrow_files -f
    fi
    return
  fi
  case $prev in
    -a | --arg-file | --joblog | --results | --output | --trace) _furrow_files -f ;;
    --wd | --tmpdir) _furrow_files -d ;;
    --halt) _furrow_words 'never now,fail=1 soon,fail=1 now,success=1 soon,success=1 now,done=1 soon,done=1' ;;
    --trim) _furrow_words 'n l r lr' ;;
    --env) mapfile -t COMPREPLY < <(compgen -e -- "$cur") ;;
    --header) _furrow_words ':' ;;
    --shell) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
    *)
      case $cur in
        -*) _furrow_words "$_furrow_map_options" ;;
        :*) _furrow_words '::: :::+ :::: ::::+' ;;
        *) [[ " $_furrow_map_valued " =~ [[:space:]]$prev[[:space:]] ]] || mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
      esac ;;
  esac
}

_furrow_run() {
  case $prev in
    -d | --directory | --shadow-prefix) _furrow_files -d ;;
    -c | --cores | -j | --jobs) _furrow_words all ;;
    -e | --executor) _furrow_words 'local slurm cluster-generic' ;;
    --packing) _furrow_words 'auto one array packed' ;;
    *)
      case $cur in
        -*) _furrow_words "$_furrow_run_options" ;;
        *) _furrow_files -f ;;
      esac ;;
  esac
}

_furrow_report() {
  case $prev in
    --format) _furrow_words 'html json csv' ;;
    -o | --output) _furrow_files -f ;;
    --run) ;;
    *)
      case $cur in
        -*) _furrow_words '--format --output --run --commands --help' ;;
        *) _furrow_files -d ;;
      esac ;;
  esac
}

_furrow_export() {
  case $prev in
    --ro-crate) _furrow_files -d ;;
    --run | --license) ;;
    *)
      case $cur in
        -*) _furrow_words '--ro-crate --slim --run --license --help' ;;
        *) _furrow_files -d ;;
      esac ;;
  esac
}

_furrow_watch() {
  [ "$prev" = --interval ] && return
  case $cur in
    -*) _furrow_words '--once --interval --help' ;;
    *) _furrow_files -d ;;
  esac
}

_furrow() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _furrow_words 'map run watch report export cpus --help --version'
    return
  fi
  case ${COMP_WORDS[1]} in
    map) _furrow_map ;;
    run) _furrow_run ;;
    report) _furrow_report ;;
    export) _furrow_export ;;
    watch) _furrow_watch ;;
  esac
}

complete -F _furrow furrow
