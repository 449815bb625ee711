rule included:
    output: "included.out"
    shell: "echo included >> $JOBLOG; touch {output}"
