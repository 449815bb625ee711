snakemake@source("twice.R")
p <- snakemake@params
said <- c(
  length(snakemake@input), snakemake@input[["named"]], snakemake@output[["o"]], snakemake@log[[1]],
  snakemake@wildcards[["w"]], snakemake@threads, snakemake@rule, basename(snakemake@scriptdir),
  snakemake@resources[["mem_mb"]], snakemake@resources[["kind"]], snakemake@config[["c"]], snakemake@config[["d"]],
  p[[1]], p[["text"]], twice(sum(p[["whole"]])), p[["flag"]] && is.null(p[["nothing"]]), rev(p[["words"]]),
  p[["table"]][["k"]][[1]], is.na(snakemake@bench_iteration)
)
writeLines(as.character(said), snakemake@output[[1]])
cat("a\n", file = Sys.getenv("JOBLOG"), append = TRUE)
