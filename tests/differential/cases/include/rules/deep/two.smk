TWO = "from two"

rule two:
    output: "two.out"
    script: "two.py"
