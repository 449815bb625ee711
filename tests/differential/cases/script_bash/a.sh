echo a >> $JOBLOG
cat "${snakemake_input[0]}" "${snakemake_input[named]}" > "${snakemake_output[0]}"
echo "${snakemake_params[p]} ${snakemake_wildcards[w]}" >> "${snakemake_output[0]}"
