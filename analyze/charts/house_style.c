/* One look for all charts: 1280 x 720, a sentence as title, little ink that is not data. */
#include "analyze/charts/house_style.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "analyze/charts/text_layout.h"
#include "common/error.h"
#include "common/memory.h"
#include "common/utf8.h"

static const struct house_theme themes[] = {
    [CHART_LIGHT] = {"#ffffff",
                     "#111111",
                     "#333333",
                     "#666666",
                     "#dddddd",
                     {"#1055A2",   /* blue */
                      "#BD4501",   /* rust */
                      "#1EA290",   /* teal */
                      "#840646",   /* wine */
                      "#C68117",   /* amber */
                      "#8B64F8",   /* violet */
                      "#111111"}}, /* the ink */
    [CHART_DARK] = {"#16191d",
                    "#f2f2f2",
                    "#cccccc",
                    "#999999",
                    "#3a3f45",
                    {"#69AFEF",   /* sky blue */
                     "#EE3F00",   /* vermilion */
                     "#8CFE77",   /* light green */
                     "#975B95",   /* plum */
                     "#DFA83D",   /* gold */
                     "#6D65E6",   /* indigo */
                     "#f2f2f2"}}, /* the ink */
};

/* How linetypes differ in grey: dashes as lengths of line and gap, and filled points first. */
static const struct {
    const char *dashes;
    int point; /* gnuplot's: 7 disc, 5 square, 9 triangle, 13 diamond, 11 triangle on its tip, 6 ring, 4 frame */
} strokes[HOUSE_COLOURS] = {
    {"solid", 7},   {"(14,5)", 5},         {"(4,4)", 9}, {"(16,4,4,4)", 13},
    {"(24,6)", 11}, {"(10,4,3,4,3,4)", 6}, {"(2,4)", 4},
};

const struct house_theme *house_style_theme(enum chart_theme theme)
{
    return &themes[theme];
}

/* gnuplot 5.4 takes a doubled quote for an apostrophe only after another character; elsewhere it ends the
 * string. */
static const char apostrophe[] = "\xe2\x80\x99";

void house_style_quote(FILE *out, const char *text)
{
    char before = '\'';
    fputc('\'', out);
    while (*text != 0) {
        int bytes = utf8_character_bytes(text);
        unsigned char first = (unsigned char)*text;
        if (*text == '\'')
            fputs(before == '\'' ? apostrophe : "''", out);
        else if (bytes == 0 || first < 0x20 || first == 0x7f)
            fputc('?', out);
        else
            fwrite(text, 1, (size_t)bytes, out);
        before = *text;
        text += bytes > 0 ? bytes : 1;
    }
    fputc('\'', out);
}

double house_style_step(double range, int most, bool whole)
{
    static const double steps[] = {1, 2, 5};
    double power = range > 0 && isfinite(range) ? pow(10, floor(log10(range / most))) : 1;
    if (whole && power < 1)
        power = 1;
    for (int i = 0; i < 3; i++)
        if (range <= steps[i] * power * most * (1 + 1e-9))
            return steps[i] * power;
    return 10 * power;
}

const char *house_style_count(char room[COUNT_TEXT], uint64_t count)
{
    char digits[COUNT_TEXT];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            room[used++] = ',';
        room[used++] = digits[i];
    }
    room[used] = 0;
    return room;
}

const char *house_style_percent(char room[PERCENT_TEXT], double percent, int decimals)
{
    for (int digits = decimals; digits <= decimals + 1; digits++) {
        const double unit = pow(10, -digits), shown = round(percent / unit) * unit;
        snprintf(room, PERCENT_TEXT, "%.*f%%", digits, percent);
        if ((percent == 0 || shown > unit / 2) && (percent == 100 || shown < 100 - unit / 2))
            return room;
    }
    const double unit = pow(10, -decimals - 1);
    if (isfinite(percent))
        snprintf(room, PERCENT_TEXT, percent < 50 ? "<%g%%" : ">%g%%", percent < 50 ? unit : 100 - unit);
    return room;
}

const char *house_style_noun(const struct analysis *analysis)
{
    return analysis->run->height > 0 ? "images" : "samples";
}

/* Where the whole title and caption stand in a script, as house_style_quote has written them. */
static const char title_start[] = "\n# title: ", caption_start[] = "# caption: ";

/* Reads what follows `start`. */
static int read_text(char **out, const char *script, const char *start)
{
    const char *at = strstr(script, start);
    size_t used = 0;
    int status = memory_allocate(out, strlen(script) + 1, 1, "a title");
    if (status != 0 || at == NULL)
        return status;
    for (at += strlen(start) + 1; *at != 0 && (*at != '\'' || at[1] == '\''); at++) {
        (*out)[used++] = *at;
        at += *at == '\'';
    }
    return 0;
}

int house_style_title(char **out, const char *script)
{
    return read_text(out, script, title_start);
}

int house_style_caption(char **out, const char *script)
{
    return read_text(out, script, caption_start);
}

/* ---- title and caption ------------------------------------------------------------------------------------ */

/* Where texts start and what they may take of a picture's 1280 pixels. */
enum { TEXT_PIXELS = 1200, CAPTION_FONT = 12 };

/* Writes a label of lines with '\n' between them. */
static void write_lines(FILE *out, int number, char *lines, double height, int font, const char *colour)
{
    fprintf(out, "set label %d ", number);
    for (char *line; (line = strsep(&lines, "\n")) != NULL;) {
        house_style_quote(out, line);
        if (lines != NULL)
            fputs(".\"\\n\".", out);
    }
    fprintf(out, " at screen 0.03, %g left font ',%d' textcolor rgb %s\n", height, font, colour);
}

/* At full size on one or two lines; else smaller; what is too long even then is cut. */
static void write_title(FILE *out, const char *title)
{
    enum { LARGEST = 20, SMALLEST = 16 };
    char lines[512];
    int font = LARGEST;
    while (font > SMALLEST && text_width(title, font) > 1.9 * TEXT_PIXELS)
        font -= 2;
    fputs(title_start, out);
    house_style_quote(out, title);
    fputs("\n", out);
    text_wrap(lines, sizeof lines, title, font, TEXT_PIXELS, 2);
    write_lines(out, 1, lines, 0.953, font, "ink");
}

const char *house_style_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != 0 ? slash + 1 : path;
}

/* What was run: of several logs their names alone. */
static void write_runs(FILE *out, const struct chart *chart)
{
    enum { NAMED = 3, NAME_PIXELS = 400 };
    const struct analysis *analysis = chart->log;
    const struct tidylog_run *run = analysis->run;
    const size_t logs = chart->request->path_count;
    char name[256];
    for (size_t i = 0; i < logs && i < NAMED; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "",
                text_fit(name, sizeof name, house_style_file_name(chart->logs[i].path), CAPTION_FONT, NAME_PIXELS));
    if (logs > 1) {
        if (logs > NAMED)
            fprintf(out, " and %zu more", logs - NAMED);
        return;
    }
    const char *sign = ": ";
    const char *const about[] = {run->data_name, run->network};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        if (about[i] != NULL) {
            fprintf(out, "%s%s", sign, text_fit(name, sizeof name, about[i], CAPTION_FONT, NAME_PIXELS));
            sign = ", ";
        }
    fprintf(out, "%s%" PRIu64 " of %" PRIu64 " epochs", sign, analysis->epochs, run->epochs);
    if (run->noise != NULL)
        fprintf(out, ", noise %s", text_fit(name, sizeof name, run->noise, CAPTION_FONT, NAME_PIXELS));
}

static void write_caption(FILE *out, const struct chart *chart, const char *rule)
{
    char text[2048] = "", lines[1024];
    FILE *stream = fmemopen(text, sizeof text - 1, "w");
    if (stream == NULL)
        return; /* no memory: the chart goes without */
    write_runs(stream, chart);
    fprintf(stream, ". %s", rule);
    fclose(stream);
    fputs(caption_start, out);
    house_style_quote(out, text);
    fputs("\n", out);
    size_t count = text_wrap(lines, sizeof lines, text, CAPTION_FONT, TEXT_PIXELS, 2);
    write_lines(out, 2, lines, count > 1 ? 0.052 : 0.04, CAPTION_FONT, "faint");
}

/* ---- the script's start ----------------------------------------------------------------------------------- */

void house_style_begin(FILE *out, const struct chart *chart, const char *title, const char *rule)
{
    const struct house_theme *theme = house_style_theme(chart->request->theme);
    fprintf(out,
            "background = '%s'\n"
            "ink = '%s'\n"
            "axis = '%s'\n"
            "faint = '%s'\n"
            "grid = '%s'\n",
            theme->background, theme->ink, theme->axis, theme->faint, theme->grid);
    fputs("set datafile separator '\\t'\n"
          "set datafile missing 'nan'\n"
          "set border 3 linecolor rgb faint\n"
          "set tics nomirror out scale 0.5 textcolor rgb axis\n"
          "set format '%g'\n" /* gnuplot's own starts with a space, which moves names off their ticks */
          "set grid ytics linetype 1 linecolor rgb grid linewidth 1 dashtype solid\n"
          "set key noautotitle textcolor rgb ink\n"
          "set xlabel textcolor rgb ink\n"
          "set ylabel textcolor rgb ink\n"
          "set lmargin at screen 0.105\n"
          "set rmargin at screen 0.97\n"
          "set tmargin at screen 0.82\n"
          "set bmargin at screen 0.18\n",
          out);
    for (int i = 0; i < HOUSE_COLOURS; i++)
        fprintf(out, "set linetype %d linecolor rgb '%s' linewidth 3 dashtype %s pointtype %d\n", i + 1,
                theme->colours[i], strokes[i].dashes, strokes[i].point);
    write_title(out, title);
    write_caption(out, chart, rule);
}

void house_style_key(FILE *out)
{
    fputs("if (!exists('key_width')) key_width = 2 # letters beside each name\n"
          "set key at screen 0.1, 0.885 left top horizontal Left reverse samplen 3 width key_width font ',14'\n",
          out);
}
