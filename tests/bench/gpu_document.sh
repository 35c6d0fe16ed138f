# The computed tables of docs/gpu.md are what gpu-roofline computes. Rows that the document should have are printed.
set -u -o pipefail
PATH=$TIDY_BIN:$PATH

devices()
{
    gpu-roofline | awk -F'\t' 'NR > 1 { printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
        $1, $2, $4, $5, $6, $7, $9, $10, $12, $13 }'
}

# The stages of a bf16 step on an A100, passes of a kind together.
stages()
{
    gpu-roofline --device A100 --precision bf16 --stages | awk -F'\t' '
        NR > 1 {
            kind = "rest"
            if ($4 == "forward" || $4 ~ / gradient$/) kind = "convolutions, linear"
            if ($4 ~ /^norm/) kind = "batch norm"
            if ($4 == "add") kind = "second gradients"
            if ($4 == "momentum") kind = "update"
            row = $3 " | " kind
            if (!(row in launches)) rows[++count] = row
            flop[row] += $6; bytes[row] += $7; compute[row] += $8; bound[row] += $10; cached[row] += $13
            launches[row] += $14
        }
        END {
            for (i = 1; i <= count; i++) {
                r = rows[i]
                printf "| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %d |\n",
                    r, flop[r], bytes[r], compute[r], bound[r], cached[r], launches[r]
            }
        }'
}

# A row for each other design, a column for each device, percent of the third figure in bf16.
changes()
{
    gpu-roofline --precision bf16 --changes | awk -F'\t' '
        NR > 1 {
            if (!($3 in text)) rows[++count] = $3
            text[$3] = text[$3] sprintf(" | %.1f", $5)
        }
        END { for (i = 1; i <= count; i++) print "| " rows[i] text[rows[i]] " |" }'
}

wrong=0
while IFS= read -r row; do
    grep -qxF -- "$row" "$TIDY_SOURCE/docs/gpu.md" || { echo "docs/gpu.md has not: $row"; wrong=1; }
done < <(devices && stages && changes || echo "gpu-roofline failed")
exit "$wrong"
