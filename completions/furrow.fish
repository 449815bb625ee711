# fish completion of furrow. Installed as share/fish/vendor_completions.d/furrow.fish.

function __furrow_in --argument-names command
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $command
end

complete -c furrow -n __fish_use_subcommand -f -a map -d 'run a command for each input'
complete -c furrow -n __fish_use_subcommand -f -a run -d 'run a workflow'
complete -c furrow -n __fish_use_subcommand -f -a watch -d 'show what the run in a folder does'
complete -c furrow -n __fish_use_subcommand -f -a report -d 'show what ran in a folder'
complete -c furrow -n __fish_use_subcommand -f -a export -d 'give what ran in a folder to other programs'
complete -c furrow -n __fish_use_subcommand -f -a cpus -d 'print how many cores can be used'
complete -c furrow -n __fish_use_subcommand -f -l help -d 'print help'
complete -c furrow -n __fish_use_subcommand -f -l version -d 'print the version'

complete -c furrow -n '__furrow_in map' -s 0 -d 'values end with NUL'
complete -c furrow -n '__furrow_in map' -s a -r -F -d 'a file with one value per line'
complete -c furrow -n '__furrow_in map' -l arg-file -r -F -d 'a file with one value per line'
complete -c furrow -n '__furrow_in map' -l arg-file-sep -x -d 'a word instead of ::::'
complete -c furrow -n '__furrow_in map' -l arg-sep -x -d 'a word instead of :::'
complete -c furrow -n '__furrow_in map' -l bar -d 'show the progress'
complete -c furrow -n '__furrow_in map' -l block -x -d 'bytes in a block'
complete -c furrow -n '__furrow_in map' -s C -x -d 'where to split values into columns'
complete -c furrow -n '__furrow_in map' -l colsep -x -d 'where to split values into columns'
complete -c furrow -n '__furrow_in map' -l csv -d 'values in CSV format'
complete -c furrow -n '__furrow_in map' -s d -x -d 'what ends a value'
complete -c furrow -n '__furrow_in map' -l delay -x -d 'time between two starts'
complete -c furrow -n '__furrow_in map' -l delimiter -x -d 'what ends a value'
complete -c furrow -n '__furrow_in map' -l dry-run -d 'print commands, run nothing'
complete -c furrow -n '__furrow_in map' -s E -x -d 'a value that ends its source'
complete -c furrow -n '__furrow_in map' -l env -x -d 'accepted: jobs have the whole environment'
complete -c furrow -n '__furrow_in map' -l eof -d 'a value that ends its source'
complete -c furrow -n '__furrow_in map' -l eta -d 'show the time left'
complete -c furrow -n '__furrow_in map' -l exit -d 'fail if values do not fit together'
complete -c furrow -n '__furrow_in map' -l group -d 'print output by job'
complete -c furrow -n '__furrow_in map' -s h -d 'two screens of help'
complete -c furrow -n '__furrow_in map' -l halt -x -a 'never now,fail=1 soon,fail=1 now,success=1 soon,done=1' -d 'when to stop'
complete -c furrow -n '__furrow_in map' -l header -x -d 'the first value names the columns'
complete -c furrow -n '__furrow_in map' -l help -d 'two screens of help'
complete -c furrow -n '__furrow_in map' -s I -x -d 'a text instead of {}'
complete -c furrow -n '__furrow_in map' -s j -x -d 'jobs at a time'
complete -c furrow -n '__furrow_in map' -l joblog -r -F -d 'a line for each job'
complete -c furrow -n '__furrow_in map' -l trace -r -F -d 'a timeline of the jobs'
complete -c furrow -n '__furrow_in map' -l joblog-usage -d 'memory and CPU time in the log'
complete -c furrow -n '__furrow_in map' -l jobs -x -d 'jobs at a time'
complete -c furrow -n '__furrow_in map' -s k -d 'print output in the order of the inputs'
complete -c furrow -n '__furrow_in map' -l keep-order -d 'print output in the order of the inputs'
complete -c furrow -n '__furrow_in map' -s L -x -d 'lines per job'
complete -c furrow -n '__furrow_in map' -l line-buffer -d 'print output by line'
complete -c furrow -n '__furrow_in map' -l link -d 'pair the values of all sources'
complete -c furrow -n '__furrow_in map' -l load -x -d 'no new job above this load'
complete -c furrow -n '__furrow_in map' -s m -d 'as many values as fit, spread'
complete -c furrow -n '__furrow_in map' -l max-args -x -d 'values per job'
complete -c furrow -n '__furrow_in map' -l max-chars -x -d 'bytes of a command'
complete -c furrow -n '__furrow_in map' -l max-lines -d 'lines per job'
complete -c furrow -n '__furrow_in map' -l max-replace-args -x -d 'values per job, or records of a block'
complete -c furrow -n '__furrow_in map' -l memfree -x -d 'no new job while less memory is free'
complete -c furrow -n '__furrow_in map' -s N -x -d 'values per job, or records of a block'
complete -c furrow -n '__furrow_in map' -s n -x -d 'values per job'
complete -c furrow -n '__furrow_in map' -l nice -x -d 'niceness of jobs'
complete -c furrow -n '__furrow_in map' -l no-keep-order -d 'print output in the order of ending'
complete -c furrow -n '__furrow_in map' -l no-run-if-empty -d 'leave out blank values'
complete -c furrow -n '__furrow_in map' -l null -d 'values end with NUL'
complete -c furrow -n '__furrow_in map' -l output -r -F -d 'a file that the job makes'
complete -c furrow -n '__furrow_in map' -s P -x -d 'jobs at a time'
complete -c furrow -n '__furrow_in map' -l pipe -d 'split standard input into blocks'
complete -c furrow -n '__furrow_in map' -l pipe-part -d 'split files into blocks'
complete -c furrow -n '__furrow_in map' -l plus -d 'more replacement strings'
complete -c furrow -n '__furrow_in map' -l process-slot-var -x -d 'a variable that holds the slot'
complete -c furrow -n '__furrow_in map' -l progress -d 'show the progress'
complete -c furrow -n '__furrow_in map' -s q -d 'quote the words of the command'
complete -c furrow -n '__furrow_in map' -l quiet -d 'no summary'
complete -c furrow -n '__furrow_in map' -l quote -d 'quote the words of the command'
complete -c furrow -n '__furrow_in map' -s r -d 'leave out blank values'
complete -c furrow -n '__furrow_in map' -l recend -x -d 'how a record ends'
complete -c furrow -n '__furrow_in map' -l recstart -x -d 'how a record starts'
complete -c furrow -n '__furrow_in map' -l regexp -d 'recstart and recend are expressions'
complete -c furrow -n '__furrow_in map' -l replace -d 'a text instead of {}'
complete -c furrow -n '__furrow_in map' -l results -r -F -d 'where output is kept'
complete -c furrow -n '__furrow_in map' -l resume -d 'run what is not in the log'
complete -c furrow -n '__furrow_in map' -l resume-failed -d 'run that and what failed'
complete -c furrow -n '__furrow_in map' -l retries -x -d 'how often to try a failing job'
complete -c furrow -n '__furrow_in map' -l retry-failed -d 'run only what failed'
complete -c furrow -n '__furrow_in map' -l rrs -d 'remove recstart and recend'
complete -c furrow -n '__furrow_in map' -s s -x -d 'bytes of a command'
complete -c furrow -n '__furrow_in map' -l seed -x -d 'seed for {seed} and --shuf'
complete -c furrow -n '__furrow_in map' -l shell -x -d 'runs commands with shell syntax'
complete -c furrow -n '__furrow_in map' -l shuf -d 'in random order'
complete -c furrow -n '__furrow_in map' -l silent -d 'do not print commands'
complete -c furrow -n '__furrow_in map' -s t -d 'print commands on standard error'
complete -c furrow -n '__furrow_in map' -l tag -d 'begin lines with the values'
complete -c furrow -n '__furrow_in map' -l tagstring -x -d 'begin lines with this'
complete -c furrow -n '__furrow_in map' -l executor -x -a 'local slurm' -d 'where jobs run'
complete -c furrow -n '__furrow_in map' -l packing -x -a 'auto one array packed' -d 'how jobs share submissions'
complete -c furrow -n '__furrow_in map' -l batch-nodes -x -d 'nodes of an allocation that short jobs share'
complete -c furrow -n '__furrow_in map' -l resource -x -d 'what a job requests from Slurm'
complete -c furrow -n '__furrow_in map' -l termseq -x -d 'how a job is ended'
complete -c furrow -n '__furrow_in map' -l timeout -x -d 'end a job after this time'
complete -c furrow -n '__furrow_in map' -l tmpdir -x -a "(__fish_complete_directories)" -d 'where long output waits'
complete -c furrow -n '__furrow_in map' -l total-jobs -x -d 'how many jobs there will be'
complete -c furrow -n '__furrow_in map' -l trim -x -a 'n l r lr' -d 'remove blanks'
complete -c furrow -n '__furrow_in map' -s u -d 'jobs write directly'
complete -c furrow -n '__furrow_in map' -l ungroup -d 'jobs write directly'
complete -c furrow -n '__furrow_in map' -s v -d 'print commands'
complete -c furrow -n '__furrow_in map' -l verbose -d 'print commands on standard error'
complete -c furrow -n '__furrow_in map' -l wd -x -a "(__fish_complete_directories)" -d 'run jobs in this folder'
complete -c furrow -n '__furrow_in map' -s X -d 'as many values as fit, spread'
complete -c furrow -n '__furrow_in map' -s x -d 'fail if values do not fit together'
complete -c furrow -n '__furrow_in map' -l xargs -d 'as many values as fit'

complete -c furrow -n '__furrow_in run' -l allow-ambiguity
complete -c furrow -n '__furrow_in run' -s c -x -d 'cores to use at a time'
complete -c furrow -n '__furrow_in run' -l config -x -d 'set values of the configuration'
complete -c furrow -n '__furrow_in run' -l configfile -r -F -d 'read configuration'
complete -c furrow -n '__furrow_in run' -l cores -x -d 'cores to use at a time'
complete -c furrow -n '__furrow_in run' -s d -x -a "(__fish_complete_directories)" -d 'work in this folder'
complete -c furrow -n '__furrow_in run' -l dag -d 'print the graph of jobs'
complete -c furrow -n '__furrow_in run' -l default-resources -x
complete -c furrow -n '__furrow_in run' -l delete-all-output
complete -c furrow -n '__furrow_in run' -l delete-temp-output
complete -c furrow -n '__furrow_in run' -l detailed-summary
complete -c furrow -n '__furrow_in run' -l directory -x -a "(__fish_complete_directories)" -d 'work in this folder'
complete -c furrow -n '__furrow_in run' -l dry-run -d 'print what would run'
complete -c furrow -n '__furrow_in run' -l envvars -x
complete -c furrow -n '__furrow_in run' -l executor -x -a 'local slurm cluster-generic' -d 'where jobs run'
complete -c furrow -n '__furrow_in run' -l slurm -d 'run jobs on Slurm'
complete -c furrow -n '__furrow_in run' -l cluster -x -d 'submit jobs with this command'
complete -c furrow -n '__furrow_in run' -l cluster-status -x -d 'ask about jobs with this command'
complete -c furrow -n '__furrow_in run' -l cluster-cancel -x -d 'cancel jobs with this command'
complete -c furrow -n '__furrow_in run' -l cluster-cancel-nargs -x
complete -c furrow -n '__furrow_in run' -l local-cores -x -d 'cores for localrules'
complete -c furrow -n '__furrow_in run' -l packing -x -a 'auto one array packed' -d 'how jobs share submissions'
complete -c furrow -n '__furrow_in run' -l batch-cores -x
complete -c furrow -n '__furrow_in run' -l batch-nodes -x -d 'nodes of an allocation that short jobs share'
complete -c furrow -n '__furrow_in run' -l groups -x -d 'submit jobs of these rules together'
complete -c furrow -n '__furrow_in run' -l group-components -x -d 'connected parts to submit together'
complete -c furrow -n '__furrow_in run' -l set-resource-scopes -x -d 'whether a limit applies to each submission'
complete -c furrow -n '__furrow_in run' -l max-jobs-per-second -x
complete -c furrow -n '__furrow_in run' -l max-status-checks-per-second -x
complete -c furrow -n '__furrow_in run' -l seconds-between-status-checks -x
complete -c furrow -n '__furrow_in run' -s f -d 'make the targets again'
complete -c furrow -n '__furrow_in run' -l filegraph
complete -c furrow -n '__furrow_in run' -l force -d 'make the targets again'
complete -c furrow -n '__furrow_in run' -l forceall -d 'make everything again'
complete -c furrow -n '__furrow_in run' -l forcerun -x
complete -c furrow -n '__furrow_in run' -l help -d 'print all options'
complete -c furrow -n '__furrow_in run' -l ignore-incomplete
complete -c furrow -n '__furrow_in run' -s j -x -d 'cores to use at a time'
complete -c furrow -n '__furrow_in run' -l jobs -x -d 'cores to use at a time'
complete -c furrow -n '__furrow_in run' -s k -d 'go on after a failure'
complete -c furrow -n '__furrow_in run' -l keep-going -d 'go on after a failure'
complete -c furrow -n '__furrow_in run' -l keep-incomplete
complete -c furrow -n '__furrow_in run' -l all-temp
complete -c furrow -n '__furrow_in run' -l show-failed-logs
complete -c furrow -n '__furrow_in run' -l batch -x
complete -c furrow -n '__furrow_in run' -l job-results -r
complete -c furrow -n '__furrow_in run' -l benchmark-extended
complete -c furrow -n '__furrow_in run' -l strict-dag-evaluation -x
complete -c furrow -n '__furrow_in run' -l consider-ancient -x
complete -c furrow -n '__furrow_in run' -l omit-flags -x
complete -c furrow -n '__furrow_in run' -l cluster-sync -x
complete -c furrow -n '__furrow_in run' -l precommand -x
complete -c furrow -n '__furrow_in run' -l no-hooks
complete -c furrow -n '__furrow_in run' -l stats -r
complete -c furrow -n '__furrow_in run' -l dashboard -r -d 'a page that shows the run'
complete -c furrow -n '__furrow_in run' -l trace -r
complete -c furrow -n '__furrow_in run' -l debug-dag
complete -c furrow -n '__furrow_in run' -l list-untracked
complete -c furrow -n '__furrow_in run' -l d3dag
complete -c furrow -n '__furrow_in run' -l report -r
complete -c furrow -n '__furrow_in run' -l report-after-run
complete -c furrow -n '__furrow_in run' -l report-stylesheet -r
complete -c furrow -n '__furrow_in run' -l report-metadata -r
complete -c furrow -n '__furrow_in run' -l print-compilation
complete -c furrow -n '__furrow_in run' -l lint -f -a 'text json'
complete -c furrow -n '__furrow_in run' -l cleanup-metadata -r
complete -c furrow -n '__furrow_in run' -l jobscript -r
complete -c furrow -n '__furrow_in run' -l cluster-config -r
complete -c furrow -n '__furrow_in run' -l use-conda
complete -c furrow -n '__furrow_in run' -l use-apptainer
complete -c furrow -n '__furrow_in run' -l use-singularity
complete -c furrow -n '__furrow_in run' -l use-envmodules
complete -c furrow -n '__furrow_in run' -l software-deployment-method -x -a 'conda apptainer env-modules'
complete -c furrow -n '__furrow_in run' -l sdm -x -a 'conda apptainer env-modules'
complete -c furrow -n '__furrow_in run' -l conda-prefix -r
complete -c furrow -n '__furrow_in run' -l conda-frontend -x -a 'conda mamba micromamba'
complete -c furrow -n '__furrow_in run' -l conda-base-path -r
complete -c furrow -n '__furrow_in run' -l conda-cleanup-pkgs -f -a 'tarballs cache'
complete -c furrow -n '__furrow_in run' -l conda-not-block-search-path-envvars
complete -c furrow -n '__furrow_in run' -l container-runtime -x -a 'apptainer podman docker charliecloud'
complete -c furrow -n '__furrow_in run' -l apptainer-prefix -r
complete -c furrow -n '__furrow_in run' -l singularity-prefix -r
complete -c furrow -n '__furrow_in run' -l apptainer-args -x
complete -c furrow -n '__furrow_in run' -l singularity-args -x
complete -c furrow -n '__furrow_in run' -l container-args -x
complete -c furrow -n '__furrow_in run' -l container-cleanup-images
complete -c furrow -n '__furrow_in run' -l conda-create-envs-only
complete -c furrow -n '__furrow_in run' -l list-conda-envs
complete -c furrow -n '__furrow_in run' -l conda-cleanup-envs
complete -c furrow -n '__furrow_in run' -l containerize -x -a dockerfile
complete -c furrow -n '__furrow_in run' -l archive -r
complete -c furrow -n '__furrow_in run' -l version
complete -c furrow -n '__furrow_in run' -l list-changes -x -a 'code input params'
complete -c furrow -n '__furrow_in run' -l list-code-changes
complete -c furrow -n '__furrow_in run' -l list-input-changes
complete -c furrow -n '__furrow_in run' -l list-params-changes
complete -c furrow -n '__furrow_in run' -l wait-for-files -r
complete -c furrow -n '__furrow_in run' -l wait-for-files-file -r
complete -c furrow -n '__furrow_in run' -l max-jobs-per-timespan -x
complete -c furrow -n '__furrow_in run' -l latency-wait -x
complete -c furrow -n '__furrow_in run' -l queue-input-wait-time -x
complete -c furrow -n '__furrow_in run' -l list -d 'list the rules'
complete -c furrow -n '__furrow_in run' -l list-target-rules
complete -c furrow -n '__furrow_in run' -l max-checksum-file-size -x
complete -c furrow -n '__furrow_in run' -l max-threads -x
complete -c furrow -n '__furrow_in run' -s n -d 'print what would run'
complete -c furrow -n '__furrow_in run' -l notemp
complete -c furrow -n '__furrow_in run' -l omit-from -x
complete -c furrow -n '__furrow_in run' -s p -d 'print commands'
complete -c furrow -n '__furrow_in run' -l printshellcmds -d 'print commands'
complete -c furrow -n '__furrow_in run' -l prioritize -x
complete -c furrow -n '__furrow_in run' -l profile -x
complete -c furrow -n '__furrow_in run' -l python -x -d 'the Python that evaluates the Snakefile'
complete -c furrow -n '__furrow_in run' -s q -d 'print less'
complete -c furrow -n '__furrow_in run' -l quiet -d 'print less'
complete -c furrow -n '__furrow_in run' -l replace-workflow-config
complete -c furrow -n '__furrow_in run' -l rerun-incomplete
complete -c furrow -n '__furrow_in run' -l rerun-triggers -x
complete -c furrow -n '__furrow_in run' -l resources -x
complete -c furrow -n '__furrow_in run' -l retries -x -d 'retry a failing job this many times'
complete -c furrow -n '__furrow_in run' -l rulegraph -d 'print the graph of rules'
complete -c furrow -n '__furrow_in run' -s s -r -F -d 'the workflow'
complete -c furrow -n '__furrow_in run' -l set-resources -x
complete -c furrow -n '__furrow_in run' -l set-scatter -x
complete -c furrow -n '__furrow_in run' -l set-threads -x
complete -c furrow -n '__furrow_in run' -l shadow-prefix -x -a "(__fish_complete_directories)"
complete -c furrow -n '__furrow_in run' -l snakefile -r -F -d 'the workflow'
complete -c furrow -n '__furrow_in run' -l summary -d 'list files and their state'
complete -c furrow -n '__furrow_in run' -l touch -d 'mark outputs as up to date'
complete -c furrow -n '__furrow_in run' -l unlock
complete -c furrow -n '__furrow_in run' -l wrapper-prefix -r -d 'where wrappers are'
complete -c furrow -n '__furrow_in run' -l edit-notebook -r -d 'edit the notebook that makes this file'
complete -c furrow -n '__furrow_in run' -l draft-notebook -r -d 'make an empty notebook for this file'
complete -c furrow -n '__furrow_in run' -l notebook-listen -x
complete -c furrow -n '__furrow_in run' -l nolock
complete -c furrow -n '__furrow_in run' -l until -x -d 'go no further than these'
complete -c furrow -n '__furrow_in run' -l verbose -d 'print more'
complete -c furrow -n '__furrow_in run' -l why -d 'explain why these targets must run'
complete -c furrow -n '__furrow_in run' -l workflow-profile -x

complete -c furrow -n '__furrow_in report' -x -a "(__fish_complete_directories)"
complete -c furrow -n '__furrow_in report' -l format -x -a 'html json csv' -d 'a page, or data for programs'
complete -c furrow -n '__furrow_in report' -s o -l output -r -F -d 'where to write it'
complete -c furrow -n '__furrow_in report' -l run -x -d 'another run than the last one'
complete -c furrow -n '__furrow_in report' -l commands -d 'with the commands of jobs'
complete -c furrow -n '__furrow_in report' -s h -l help -d 'print help'

complete -c furrow -n '__furrow_in export' -x -a "(__fish_complete_directories)"
complete -c furrow -n '__furrow_in export' -l ro-crate -r -F -d 'the RO-Crate to make'
complete -c furrow -n '__furrow_in export' -l slim -d 'leave the data out'
complete -c furrow -n '__furrow_in export' -l run -x -d 'one run alone'
complete -c furrow -n '__furrow_in export' -l license -x -d 'license of the crate'
complete -c furrow -n '__furrow_in export' -s h -l help -d 'print help'

complete -c furrow -n '__furrow_in watch' -x -a "(__fish_complete_directories)"
complete -c furrow -n '__furrow_in watch' -l once -d 'print one picture and end'
complete -c furrow -n '__furrow_in watch' -l interval -x -d 'seconds between two looks'
complete -c furrow -n '__furrow_in watch' -s h -l help -d 'print help'
