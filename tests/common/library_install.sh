#!/bin/bash
# libtidylog as others get it: installed, found by pkg-config, used from C and from C++ by the example, whose log is whole.
set -Eeuo pipefail
for program in pkg-config gcc nm; do
    if ! command -v $program >/dev/null; then
        echo "$program is not there: skipped"
        [ "${CI:-}" = true ] && exit 1 || exit 77
    fi
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
cmake --install "$TIDY_BIN/.." --prefix "$prefix" >"$folder/installed" 2>&1 || { cat "$folder/installed"; exit 1; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
library=$prefix/lib/libtidylog.so
[ "$(readlink "$library")" = libtidylog.so.2 ] || { echo "$library is not a link to libtidylog.so.2"; exit 1; }

# It exports what its header declares, and nothing else.
nm -D --defined-only "$library" | awk '$2 ~ /[TDRB]/ { print $3 }' | sed 's/@.*//' | sort >"$folder/exported"
grep -vE '^( |#|/|static|typedef|struct tidylog_[a-z_]+;)' "$prefix/include/tidylog.h" |
    grep -oE '\b(tidylog_[a-z_]+|tidy_error_message)(\(|\[)' | tr -d '([' | sort -u >"$folder/declared"
diff "$folder/declared" "$folder/exported"
[ "$(wc -l <"$folder/exported")" -ge 30 ] || { echo "only $(wc -l <"$folder/exported") functions"; exit 1; }

# A library built with sanitizers needs programs that are.
sanitize=()
if nm -D "$library" | grep __asan_init >/dev/null; then # all of it: grep -q would break nm's pipe
    sanitize=(-fsanitize=address,undefined)
fi
read -ra flags <<<"$(pkg-config --cflags --libs tidylog)"

# use COMPILER OPTION...: compiles the example, runs it, and checks what it printed and wrote.
use() {
    "$@" -Wall -Wextra -Werror "$TIDY_SOURCE/examples/append_and_replay.c" -o "$folder/program" "${sanitize[@]}" "${flags[@]}"
    rm -f "$folder/run.tidy"
    LD_LIBRARY_PATH=$prefix/lib "$folder/program" "$folder/run.tidy" >"$folder/printed"
    # The first epoch predicts class 0 for all six samples; the loss is log(1 + 2 exp(-2)) where right, 2 more where wrong.
    [ "$(grep -c '^epoch' "$folder/printed")" -eq 12 ]
    [ "$(grep -c '^epoch 0 .* predicted 0 ' "$folder/printed")" -eq 6 ]
    [ "$(grep -cE '^epoch 0 .* label 0 .* loss 0\.2395$' "$folder/printed")" -eq 2 ]
    [ "$(grep -cE '^epoch 0 .* label [12] .* loss 2\.2395$' "$folder/printed")" -eq 4 ]
    [ "$(grep -cE '^epoch 1 .* label ([012]) predicted \1 loss 0\.2395$' "$folder/printed")" -eq 6 ]
    [ "$(cut -d ' ' -f 1-4 "$folder/printed" | sort -u | wc -l)" -eq 12 ]
    "$prefix/bin/tidy-analyze" verify "$folder/run.tidy"
    # The message of what fails reaches the user.
    if LD_LIBRARY_PATH=$prefix/lib "$folder/program" "$folder/run.tidy" 2>"$folder/said"; then
        echo "the log was written over"
        return 1
    fi
    grep -q 'run.tidy: the file exists' "$folder/said"
}
trap 'echo "line $LINENO failed"; cat "$folder/printed" "$folder/said" 2>/dev/null' ERR
use gcc -std=c17 -Wconversion
if command -v g++ >/dev/null; then
    use g++ -std=c++17 -x c++ -Wno-missing-field-initializers
else
    echo "g++ is not there: the example is not compiled as C++"
    [ "${CI:-}" != true ]
fi
