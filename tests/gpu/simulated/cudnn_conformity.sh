#!/bin/bash
# The simulated cuDNN answers as the real one does wherever that needs no device: two transcripts of the same calls
# are equal, for a device that has bf16 and for one that has not.
set -u
devices=$TIDY_SOURCE/tests/gpu/cudnn/devices
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The real library's own leaks and reads are not looked for.
export ASAN_OPTIONS=detect_leaks=0
if ! version=$("$CONFORMITY" --version "$REAL_CUDNN" 2>"$work/why"); then
    echo "the real cuDNN cannot be loaded: $(cat "$work/why")"
    exit 77
fi
# Which error a wrong call gives is not documented, and differs between releases.
if [ "$version" != 91900 ]; then
    echo "the simulated cuDNN follows release 9.19.0, and $REAL_CUDNN is $version"
    exit 77
fi

failed=0
for device in A100 T4; do
    for library in "$REAL_CUDNN" "$SIMULATED_CUDNN_LIBRARY"; do
        name=$([ "$library" = "$REAL_CUDNN" ] && echo real || echo simulated)
        "$CONFORMITY" "$library" "$devices/$device.json" >"$work/$name" 2>"$work/$name.stderr"
        status=$?
        # 98 and 99 are the simulated device's own: something leaked, or was misused.
        if [ $status -ne 0 ]; then
            echo "$device, $name: status $status: $(head -c 2000 "$work/$name.stderr")"
            failed=1
        fi
    done
    if ! diff "$work/real" "$work/simulated" >"$work/diff"; then
        echo "$device: the real (<) and the simulated (>) answers differ:"
        head -100 "$work/diff"
        failed=1
    fi
    # Nothing was cut short.
    if [ "$(wc -l <"$work/real")" -lt 1000 ]; then
        echo "$device: only $(wc -l <"$work/real") answers"
        failed=1
    fi
done
exit $failed
