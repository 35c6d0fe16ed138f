/* What the terminal that a chart is shown in can do. */
#ifndef TIDY_ANALYZE_CHARTS_TERMINAL_H
#define TIDY_ANALYZE_CHARTS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/charts/cells.h"

struct terminal {
    size_t columns, rows;             /* of cells */
    size_t pixel_width, pixel_height; /* of a cell; a guess where the terminal does not say */
    bool has_utf8, has_sixel;
    bool is_dark; /* its background, as far as it says */
    enum cells_colours colours;
};

/* Is stdout a terminal? Then asks it: its size by ioctl; sixel (attribute 4 of its primary device attributes) and
 * background colour (xterm's OSC 11) by control sequences on the controlling terminal, whose settings are restored.
 * One that does not answer within a second has neither. Letters and colours go by LC_ALL, LC_CTYPE and LANG, and by
 * NO_COLOR, TERM and COLORTERM. */
bool terminal_ask(struct terminal *out);

#endif
