/* Title and caption are text in a terminal, which breaks them at its own width; the picture has no labels for
 * them. */
#include "analyze/charts/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/charts/gnuplot.h"
#include "analyze/charts/house_style.h"
#include "analyze/charts/tk_canvas.h"
#include "common/error.h"
#include "common/utf8.h"

/* ---- the script ------------------------------------------------------------------------------------------- */

/* Writes a script without the lines that start with one of `left_out`, ended by NULL. */
static void write_script(FILE *out, const char *script, const char *const *left_out)
{
    while (*script != 0) {
        const size_t length = strcspn(script, "\n") + (strchr(script, '\n') != NULL);
        bool is_left_out = false;
        for (const char *const *start = left_out; *start != NULL; start++)
            is_left_out = is_left_out || strncmp(script, *start, strlen(*start)) == 0;
        if (!is_left_out)
            fwrite(script, 1, length, out);
        script += length;
    }
}

/* Draws with gnuplot's terminal `setting`. The caller frees *picture, which ends with a 0. */
static int draw(char **picture, size_t *picture_bytes, const char *setting, const char *script,
                const char *const *left_out)
{
    char *whole = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&whole, &bytes);
    *picture = NULL;
    if (out == NULL)
        return tidy_fail_memory("a chart", 1);
    fputs(setting, out);
    write_script(out, script, left_out);
    int status = fclose(out) != 0 ? tidy_fail_memory("a chart", bytes) : 0;
    if (status == 0)
        status = gnuplot_render(picture, picture_bytes, whole, bytes, "the terminal");
    free(whole);
    return status;
}

/* ---- sixels ----------------------------------------------------------------------------------------------- */

static int show_sixels(const struct terminal *terminal, const char *script, const char *background)
{
    enum { ROWS_LEFT = 3 /* for the command and the prompt */ };
    static const char *const nothing[] = {NULL};
    const size_t rows = terminal->rows > 2 * ROWS_LEFT ? terminal->rows - ROWS_LEFT : terminal->rows;
    size_t width = terminal->columns * terminal->pixel_width, height = width * 9 / 16;
    if (height > rows * terminal->pixel_height) {
        height = rows * terminal->pixel_height;
        width = height * 16 / 9;
    }
    char setting[256], *picture;
    size_t bytes = 0;
    const double scale = (double)width / 1280;
    snprintf(setting, sizeof setting,
             "set terminal sixelgd size %zu,%zu noenhanced truecolor font 'DejaVu Sans,16' fontscale %.3g "
             "linewidth %.3g background '%s'\n",
             width, height, scale, scale, background);
    int status = draw(&picture, &bytes, setting, script, nothing);
    if (status == 0) {
        fwrite(picture, 1, bytes, stdout);
        fputc('\n', stdout);
    }
    free(picture);
    return status;
}

/* ---- cells ------------------------------------------------------------------------------------------------ */

/* Writes a text in lines of so many letters, broken at spaces. */
static void write_paragraph(const char *text, size_t columns)
{
    while (*text != 0) {
        size_t letters = 0, used = 0, space = 0;
        while (text[used] != 0 && letters < columns) {
            const int bytes = utf8_character_bytes(text + used);
            if (text[used] == ' ')
                space = used;
            used += bytes > 0 ? (size_t)bytes : 1;
            letters++;
        }
        const size_t length = text[used] != 0 && text[used] != ' ' && space > 0 ? space : used;
        printf("%.*s\n", (int)length, text);
        text += length + (text[length] == ' ');
    }
}

/* gnuplot starts with a form feed, and the lines that the title has left. */
static const char *skip_empty_lines(const char *picture)
{
    const char *at = picture + strspn(picture, "\f\n ");
    while (at > picture && at[-1] == ' ')
        at--;
    return at;
}

static int show_cells(const struct terminal *terminal, const char *script, const char *ink)
{
    enum { ROWS_LEFT = 4, FEWEST_ROWS = 12, FEWEST_COLUMNS = 40, NAME_LETTERS = 26 };
    static const char *const labels[] = {"set label 1 ", "set label 2 ", NULL};
    const size_t columns = terminal->columns > FEWEST_COLUMNS ? terminal->columns : FEWEST_COLUMNS;
    size_t rows = columns * 9 / 32; /* a cell is twice as high as wide */
    if (terminal->rows > ROWS_LEFT && rows > terminal->rows - ROWS_LEFT)
        rows = terminal->rows - ROWS_LEFT;
    if (rows < FEWEST_ROWS)
        rows = FEWEST_ROWS;

    char *title = NULL, *caption = NULL, *picture = NULL, *upright = NULL, setting[128];
    struct cells cells = {0};
    size_t bytes = 0, upright_bytes = 0;
    FILE *upright_out = open_memstream(&upright, &upright_bytes);
    if (upright_out == NULL)
        return tidy_fail_memory("a chart", 1);
    /* gnuplot takes a letter for 1/200 of the picture's width; here one of a name of so many has a cell. */
    if (terminal->has_utf8)
        snprintf(setting, sizeof setting, "%skey_width = %.0f\n", tk_canvas_terminal,
                 fmax(2, NAME_LETTERS * (200.0 / (double)columns - 1)));
    else
        snprintf(setting, sizeof setting, "set terminal dumb size %zu,%zu noenhanced mono\n", columns, rows);
    int status = house_style_title(&title, script);
    if (status == 0)
        status = house_style_caption(&caption, script);
    if (status == 0)
        status = draw(&picture, &bytes, setting, script, labels);
    if (status == 0 && terminal->has_utf8) {
        status = cells_create(&cells, columns, rows);
        if (status == 0)
            status = tk_canvas_draw(&cells, upright_out, picture, (uint32_t)strtoul(ink + 1, NULL, 16));
    }
    if (fclose(upright_out) != 0 && status == 0)
        status = tidy_fail_memory("a chart", upright_bytes);
    if (status == 0) {
        write_paragraph(title, columns);
        char *rest = upright;
        for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != 0;)
            printf("\xe2\x86\x91 %s\n", line); /* an arrow upwards */
        if (terminal->has_utf8)
            cells_write(stdout, &cells, terminal->colours);
        else
            fputs(skip_empty_lines(picture), stdout);
        write_paragraph(caption, columns);
    }
    cells_destroy(&cells);
    free(upright);
    free(picture);
    free(caption);
    free(title);
    return status;
}

int show_chart(const struct terminal *terminal, const char *script, const char *background, const char *ink)
{
    return terminal->has_sixel ? show_sixels(terminal, script, background) : show_cells(terminal, script, ink);
}

/* ---- tables ----------------------------------------------------------------------------------------------- */

/* A data block starts with "$name << EOD" and ends with "EOD". One without a line that names columns is no table, as
 * the pixels of images. */
static const char start_mark[] = " << EOD\n", end_mark[] = "EOD\n";

static const char *next_block(const char *script)
{
    for (; *script != 0; script += strcspn(script, "\n"), script += *script == '\n') {
        const char *mark = strstr(script, start_mark);
        if (*script == '$' && mark != NULL && mark == script + strcspn(script, " \n") &&
            mark[sizeof start_mark - 1] == '#')
            return script;
    }
    return NULL;
}

void show_table(FILE *out, const char *script)
{
    const char *block = next_block(script);
    const bool several = block != NULL && next_block(block + 1) != NULL;
    for (bool first = true; block != NULL; block = next_block(block), first = false) {
        const size_t name_length = strcspn(block + 1, " ");
        if (several)
            fprintf(out, "%s# %.*s\n", first ? "" : "\n", (int)name_length, block + 1);
        block = strstr(block, start_mark) + sizeof start_mark - 1;
        while (*block != 0 && strncmp(block, end_mark, sizeof end_mark - 1) != 0) {
            const size_t length = strcspn(block, "\n") + (strchr(block, '\n') != NULL);
            if (strncmp(block, "# ", 2) == 0)
                fprintf(out, "#%.*s", (int)(length - 2), block + 2);
            else
                fwrite(block, 1, length, out);
            block += length;
        }
    }
}
