/* An element reads
 *     $cv create line [expr $cmx*105/1000] [expr $cmy*820/1000] ... -fill {#dddddd} -width 1.0 -dash {6 12}
 * over several lines, of which all but the last end with a backslash. */
#include "analyze/charts/tk_canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

/* The size decides dashes alone. */
const char tk_canvas_terminal[] = "set terminal tkcanvas size 1280,720 noenhanced rottext\n";
static const double width = 1280, side = 0.1;

enum { MOST_DASHES = 8, MOST_TEXT = 512 };

struct element {
    struct cells_point *points;
    size_t count;
    double dashes[MOST_DASHES];
    size_t dash_count;
    char fill[16], stipple[16], anchor[16], angle[16], text[MOST_TEXT];
};

/* Skips spaces and ends of lines that go on. */
static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\\\n");
}

/* Copies a word, or what braces hold with its backslashes undone, as far as there is room. Returns what follows. */
static const char *read_word(const char *at, char *room, size_t bytes)
{
    size_t used = 0;
    const bool braced = *at == '{';
    for (at += braced; *at != 0 && (braced ? *at != '}' : strchr(" \\\n", *at) == NULL); at++) {
        if (braced && *at == '\\' && at[1] != 0 && strchr("{}[]$;\\\"", at[1]) != NULL)
            at++;
        if (used + 1 < bytes)
            room[used++] = *at;
    }
    room[used] = 0;
    return at + (braced && *at == '}');
}

/* Reads "[expr $cmx * 105 /1000]" as .105. Returns what follows. */
static const char *read_share(const char *at, double *share)
{
    char *end;
    at = strchr(at, '*');
    if (at == NULL)
        return NULL;
    *share = (double)strtol(at + 1, &end, 10) / 1000;
    at = strchr(end, ']');
    return at != NULL ? at + 1 : NULL;
}

/* Reads the places. `room` has grown with the largest element so far. */
static int read_points(const char **at, struct element *element, size_t *room)
{
    element->count = 0;
    for (*at = skip_space(*at); **at == '['; *at = skip_space(*at)) {
        struct cells_point point = {0, 0};
        if (element->count == *room) {
            *room = *room * 2 + 64;
            struct cells_point *larger = realloc(element->points, *room * sizeof *larger);
            if (larger == NULL)
                return tidy_fail_memory("a chart", *room * sizeof *larger);
            element->points = larger;
        }
        const char *next = read_share(*at, &point.x);
        next = next != NULL ? read_share(next, &point.y) : NULL;
        if (next == NULL)
            break;
        element->points[element->count++] = point;
        *at = next;
    }
    return 0;
}

static const char *read_options(const char *at, struct element *element)
{
    const struct {
        const char *name;
        char *room;
        size_t bytes;
    } options[] = {
        {"-fill", element->fill, sizeof element->fill},
        {"-stipple", element->stipple, sizeof element->stipple},
        {"-anchor", element->anchor, sizeof element->anchor},
        {"-angle", element->angle, sizeof element->angle},
        {"-text", element->text, sizeof element->text},
    };
    char dashes[128] = "";
    for (at = skip_space(at); *at == '-'; at = skip_space(at)) {
        char name[16], other[16];
        bool known = false;
        at = skip_space(read_word(at, name, sizeof name));
        for (size_t i = 0; i < sizeof options / sizeof *options && !known; i++)
            if ((known = strcmp(name, options[i].name) == 0))
                at = read_word(at, options[i].room, options[i].bytes);
        if (!known)
            at = strcmp(name, "-dash") == 0 ? read_word(at, dashes, sizeof dashes)
                                            : read_word(at, other, sizeof other);
    }
    char *rest = dashes;
    for (char *word; (word = strsep(&rest, " ")) != NULL && element->dash_count < MOST_DASHES;)
        if (*word != 0)
            element->dashes[element->dash_count++] = strtod(word, NULL) / width;
    return at;
}

static uint32_t colour_of(const struct element *element, uint32_t ink)
{
    return element->fill[0] == '#' ? (uint32_t)strtoul(element->fill + 1, NULL, 16) : ink;
}

static void draw_line(struct cells *cells, const struct element *element, uint32_t colour)
{
    cells_line(cells, element->points, element->count, element->dashes, element->dash_count, colour);
}

static void draw_area(struct cells *cells, const struct element *element, uint32_t colour)
{
    cells_fill(cells, element->points, element->count, element->stipple[0] != 0, colour);
}

static void draw_rectangle(struct cells *cells, const struct element *element, uint32_t colour)
{
    if (element->count != 2)
        return;
    const struct cells_point a = element->points[0], b = element->points[1];
    const struct cells_point corners[] = {a, {a.x, b.y}, b, {b.x, a.y}};
    cells_fill(cells, corners, 4, element->stipple[0] != 0, colour);
}

static void draw_text(struct cells *cells, const struct element *element, uint32_t colour)
{
    enum cells_anchor anchor = element->anchor[0] == 'w'   ? CELLS_FROM
                               : element->anchor[0] == 'e' ? CELLS_UP_TO
                                                           : CELLS_ABOUT;
    if (element->count > 0)
        cells_text(cells, element->points[0], element->text + strspn(element->text, " "), anchor, colour);
}

static const struct kind {
    const char *name;
    void (*draw)(struct cells *cells, const struct element *element, uint32_t colour);
} kinds[] = {{"line", draw_line}, {"rectangle", draw_rectangle}, {"polygon", draw_area}, {"text", draw_text}};

static bool is_upright(const struct element *element)
{
    return element->angle[0] != 0 && strtol(element->angle, NULL, 10) % 180 != 0;
}

int tk_canvas_draw(struct cells *cells, FILE *upright, const char *picture, uint32_t ink)
{
    static const char create[] = "$cv create ";
    struct element element = {0};
    size_t room = 0;
    int status = 0;
    for (const char *at = picture; status == 0 && (at = strstr(at, create)) != NULL;) {
        char name[16];
        element = (struct element){.points = element.points};
        at = read_word(at + sizeof create - 1, name, sizeof name);
        if ((status = read_points(&at, &element, &room)) != 0)
            break;
        at = read_options(at, &element);
        const uint32_t colour = colour_of(&element, ink);
        if (is_upright(&element)) {
            if (element.count > 0 && fabs(element.points[0].x - 0.5) > 0.5 - side)
                fprintf(upright, "%s\n", element.text);
            continue;
        }
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strcmp(name, kinds[i].name) == 0)
                kinds[i].draw(cells, &element, kinds[i].draw == draw_text && colour == ink ? CELLS_INK : colour);
    }
    free(element.points);
    return status;
}
