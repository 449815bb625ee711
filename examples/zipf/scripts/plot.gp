# gnuplot -c plot.gp COUNTS FIT PICTURE TITLE: how often each word occurs against its rank, with the fitted law.
set terminal pngcairo size 640,480
set output ARG3
set datafile separator "\t"
stats ARG2 using 2 every ::1 nooutput name "words"
stats ARG2 using 3 every ::1 nooutput name "distinct"
stats ARG2 using 5 every ::1 nooutput name "s"
total = 0
do for [rank = 1:int(distinct_max)] { total = total + rank ** -s_max }
set title ARG4 noenhanced
set xlabel "rank"
set ylabel "occurrences"
set logscale xy
set key top right
set xrange [1:distinct_max + 1]
set yrange [0.5:*]
plot ARG1 using ($0 + 1):2 with points pointtype 7 pointsize 0.5 title "counted", \
     words_max / total * x ** -s_max with lines linewidth 2 title sprintf("s = %.2f", s_max)
