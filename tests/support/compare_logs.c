/* compare-logs FIRST SECOND: exits 0 where two logs say the same, else 1 with the first difference on stderr. */
#include <stdio.h>

#include "tests/support/log_compare.h"

int main(int argc, char **argv)
{
    char text[512];
    if (argc != 3) {
        fprintf(stderr, "usage: compare-logs FIRST SECOND\n");
        return 2;
    }
    if (log_compare(argv[1], argv[2], text, sizeof text) == 0)
        return 0;
    fprintf(stderr, "%s and %s: %s\n", argv[1], argv[2], text);
    return 1;
}
