# plot --show: sixels where the terminal says that it takes them, else characters, as wide as the window; tables where
# stdout is no terminal.
. "$TIDY_SOURCE/tests/analyze/charts/charts.bash"
make-log run.tidy margin 1000 8 0
unset NO_COLOR COLORTERM
export LC_ALL=C.UTF-8 TERM=xterm-256color
plain='\e[?62;22c' sixel='\e[?62;4;22c'

# in_terminal COLUMNS ROWS ANSWER [PLOT-ARGUMENT...]: what a terminal gets, into `seen`.
in_terminal() {
    local columns=$1 rows=$2 answer=$3
    shift 3
    timeout 60 /usr/bin/python3 "$TIDY_SOURCE/tests/analyze/charts/fake_terminal.py" "$columns" "$rows" "$answer" \
        sh -c 'exec tidy-analyze plot "$@" 2>errors' sh "$@" --show >seen
    status=$?
    [ "$status" -ne 3 ] || fail "plot $* --show leaves the terminal with other settings"
}
shows() {
    in_terminal "$@"
    [ "$status" -eq 0 ] || fail "plot ${*:4} --show: exit status $status, $(cat errors)"
}

# Sixels (DEC's format: ESC P q, the raster's size after 1;1, ESC \) no wider and no higher than the window of 10 x 20
# pixels a cell.
for size in "100 60" "200 20"; do
    shows $size "$sixel" learning run.tidy
    read -r columns rows <<<"$size"
    raster=$(head -c 40 seen | sed -n $'1s/^\ePq"1;1;\\([0-9]*\\);\\([0-9]*\\).*/\\1 \\2/p')
    read -r width height <<<"${raster:-0 0}"
    [ "$width" -gt 400 ] && [ "$width" -le $((10 * columns)) ] && [ "$height" -le $((20 * rows)) ] ||
        fail "sixels in a window of $size cells: '$raster'"
    equals "the end of sixels" "$(tail -c 3 seen | od -An -tx1 | tr -d ' \n')" 1b5c0a
done

# Characters: title and caption as text, no line longer than the window, the bars where their ticks say.
shows 110 40 "$plain" forgetting run.tidy
sed $'s/\e\\[[0-9;]*m//g' seen >text
widest=$(/usr/bin/python3 -c 'print(max(len(line) for line in open("text", encoding="utf-8").read().splitlines()))')
[ "$widest" -gt 95 ] && [ "$widest" -le 110 ] || fail "in a window of 110 columns the longest line has $widest"
grep -q '^[0-9]*% of the mislabelled images were forgotten or never learned' text || fail "no title: $(head -2 text)"
tr '\n' ' ' <text | grep -q 'run.tidy: invented-digits, invented, 8 of 8 epochs' || fail "no caption: $(tail -2 text)"
grep -q '^↑ share of the group' text || fail "the vertical axis has no name: $(head -3 text)"
never=$(tidy-analyze samples run.tidy --score never-learned | awk '!/#/ && $2 != $3 { n += $4 } END { print 2 * n }')
/usr/bin/python3 - text "$never" <<'PYTHON' || fail "bars of characters"
import re
import sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
ticks = {int(m[1]): row for row, line in enumerate(lines) if (m := re.match(r" *(\d+)% ", line))}
column = next(line for line in lines if "never learned" in line).index("never learned") + len("never le")
bar = [row for row, line in enumerate(lines) if column + 3 < len(line) and line[column + 2] == "\u2588"]
rows_per_percent = (ticks[0] - ticks[20]) / 20
expected = float(sys.argv[2]) * rows_per_percent
assert abs(len(bar) - expected) <= 1.5, (bar, expected, ticks)
PYTHON
grep -q $'\e\\[38;5;' seen || fail "no colour"
COLORTERM=truecolor shows 110 40 "$plain" forgetting run.tidy
grep -q $'\e\\[38;2;189;69;1m' seen || fail "the light theme's rust is not there"
NO_COLOR=1 shows 110 40 "$plain" forgetting run.tidy
grep -q $'\e' seen && fail "colours in spite of NO_COLOR"

# A terminal that says that its background is dark gets the dark theme, one that is told gets what it is told.
dark='\e]11;rgb:1616/1919/1d1d\e\\'"$plain"
COLORTERM=truecolor shows 110 40 "$dark" forgetting run.tidy
grep -q $'\e\\[38;2;238;63;0m' seen || fail "the dark theme's vermilion is not there"
COLORTERM=truecolor shows 110 40 "$dark" forgetting run.tidy --theme light
grep -q $'\e\\[38;2;189;69;1m' seen || fail "--theme light is not heeded"
COLORTERM=truecolor shows 110 40 '\e]11;rgb:ff/ff/ff\e\\'"$plain" forgetting run.tidy
grep -q $'\e\\[38;2;189;69;1m' seen || fail "a white background gets other colours"

# Without UTF-8 letters are all that there is; small windows and terminals that do not answer get characters too.
LC_ALL=C shows 100 30 "$plain" forgetting run.tidy
LC_ALL=C grep -q '[^ -~]' seen && fail "characters that are not ASCII: $(LC_ALL=C grep '[^ -~]' seen | head -1)"
grep -q mislabelled seen || fail "nothing is drawn without UTF-8"
for size in "20 5" "300 80"; do
    shows $size "$plain" learning run.tidy
    grep -q 'test accuracy' <(tr '\n' ' ' <seen) || fail "a window of $size cells: $(head -3 seen)"
done
start=$(date +%s%N)
shows 100 30 "" forgetting run.tidy
[ $(($(date +%s%N) - start)) -lt 5000000000 ] || fail "a terminal that does not answer is waited for too long"
grep -q mislabelled seen || fail "a terminal that does not answer gets nothing"

# Ctrl-C meanwhile ends the program as it does elsewhere.
in_terminal 100 30 $'\x03' forgetting run.tidy
[ "$status" -ne 0 ] && [ "$status" -ne 3 ] || fail "Ctrl-C while the terminal is asked: exit status $status"

# Tables: the figures that `epochs` prints, in percent.
tidy-analyze plot learning run.tidy --show >table 2>errors || fail "--show into a file: $(cat errors)"
sed -n 1p table | grep -qx '# run1' && sed -n 2p table | grep -q $'^#epochs\tloss\ttraining\ttest\t' || fail "$(head -2 table)"
diff <(tidy-analyze epochs run.tidy --no-overlap | awk '!/#/ { printf "%d %.4g %.4g %.4g\n", $1 + 1, $2, 100 * $3, 100 * $4 }') \
    <(sed '1,2d; /^$/,$d' table | awk '{ printf "%d %.4g %.4g %.4g\n", $1, $2, $3, $4 }') || fail "the table of learning"
sed '1,/^$/d' table | sed -n 1,2p | grep -q 'rate1' || fail "the table of the learning rate: $(sed '1,/^$/d' table | head -2)"
fails 2 "plot: --show goes without -o FILE" tidy-analyze plot learning run.tidy --show -o x.png
tidy-analyze plot forgetting run.tidy --show >/dev/full 2>errors && fail "a full disk is not noticed"
grep -q "cannot write to standard output: No space left" errors || fail "a full disk: $(cat errors)"
finish
