/* Places for texts that name points: clear of each other and of what is drawn, as near to their point as that leaves.
 *
 * All is in pixels of a picture, y upwards. What is taken is kept in cells of a few pixels. */
#ifndef TIDY_ANALYZE_CHARTS_LABEL_PLACES_H
#define TIDY_ANALYZE_CHARTS_LABEL_PLACES_H

#include <stdbool.h>
#include <stdio.h>

enum {
    PICTURE_WIDTH = 1280,
    PICTURE_HEIGHT = 720,
    LABEL_CELL = 4,
    LABEL_COLUMNS = PICTURE_WIDTH / LABEL_CELL,
    LABEL_ROWS = PICTURE_HEIGHT / LABEL_CELL
};

struct box {
    double left, bottom, right, top;
};

/* Zero but for the area, it is empty. */
struct label_places {
    struct box area; /* where texts may stand */
    enum label_use { LABEL_FREE, LABEL_DRAWN, LABEL_TEXT } taken[LABEL_ROWS][LABEL_COLUMNS];
};

/* A line, or a box, is drawn there. */
void label_places_take_line(struct label_places *places, double x0, double y0, double x1, double y1);
void label_places_take_box(struct label_places *places, struct box box);

/* Finds a place for a text of that size beside the point, and takes it. *apart: it is so far away that a line should
 * lead there, which crosses no other text where there is a way. Where all places are taken, it is the one that covers
 * least. */
struct box label_places_find(struct label_places *places, double x, double y, double width, double height,
                             bool *apart);

/* Writes a gnuplot label with that text to the place found for it, and the line that leads to it where it is apart,
 * which is taken, too. */
void label_places_write(FILE *out, struct label_places *places, double x, double y, const char *text,
                        int font_size);

#endif
