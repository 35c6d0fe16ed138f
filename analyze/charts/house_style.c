/* One look for all charts: 1280 x 720, a sentence as title, little ink that is not data. */
#include "analyze/charts/house_style.h"

#include <inttypes.h>
#include <string.h>

#include "common/error.h"
#include "common/memory.h"
#include "common/utf8.h"

static const struct house_theme themes[] = {
    [CHART_LIGHT] = {"#ffffff",
                     "#111111",
                     "#333333",
                     "#666666",
                     "#dddddd",
                     {"#0072B2",   /* blue */
                      "#D55E00",   /* vermilion */
                      "#009E73",   /* bluish green */
                      "#CC79A7",   /* reddish purple */
                      "#E69F00",   /* orange */
                      "#56B4E9",   /* sky blue */
                      "#000000"}}, /* black */
    [CHART_DARK] = {"#16191d",
                    "#f2f2f2",
                    "#cccccc",
                    "#999999",
                    "#3a3f45",
                    {"#56B4E9",   /* sky blue */
                     "#E8702A",   /* vermilion, lighter */
                     "#2FBF95",   /* bluish green, lighter */
                     "#DD9CC2",   /* reddish purple, lighter */
                     "#F0C04A",   /* orange, lighter */
                     "#8FA8FF",   /* blue, lighter */
                     "#ffffff"}}, /* white */
};

const struct house_theme *house_style_theme(enum chart_theme theme)
{
    return &themes[theme];
}

void house_style_quote(FILE *out, const char *text)
{
    fputc('\'', out);
    while (*text != 0) {
        int bytes = utf8_character_bytes(text);
        unsigned char first = (unsigned char)*text;
        if (*text == '\'')
            fputs("''", out);
        else if (bytes == 0 || first < 0x20 || first == 0x7f)
            fputc('?', out);
        else
            fwrite(text, 1, (size_t)bytes, out);
        text += bytes > 0 ? bytes : 1;
    }
    fputc('\'', out);
}

const char *house_style_noun(const struct analysis *analysis)
{
    return analysis->run->height > 0 ? "images" : "samples";
}

/* Where the title stands in a script, as house_style_quote has written it. */
static const char title_start[] = "set label 1 ";

int house_style_title(char **out, const char *script)
{
    const char *at = strstr(script, title_start);
    size_t used = 0;
    int status = memory_allocate(out, strlen(script) + 1, 1, "a title");
    if (status != 0 || at == NULL)
        return status;
    for (at += sizeof title_start; *at != 0 && (*at != '\'' || at[1] == '\''); at++) {
        (*out)[used++] = *at;
        at += *at == '\'';
    }
    return 0;
}

/* The file's name without its folders. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL && slash[1] != 0 ? slash + 1 : path;
}

static void write_caption(FILE *out, const struct analysis *analysis, const char *rule)
{
    const struct tidylog_run *run = analysis->run;
    char text[512];
    int used = snprintf(text, sizeof text, "%.60s: ", base_name(analysis->path));
    if (run->data_name != NULL)
        used += snprintf(text + used, sizeof text - (size_t)used, "%.40s, ", run->data_name);
    if (run->network != NULL)
        used += snprintf(text + used, sizeof text - (size_t)used, "%.40s, ", run->network);
    used += snprintf(text + used, sizeof text - (size_t)used, "%" PRIu64 " of %" PRIu64 " epochs", analysis->epochs,
                     run->epochs);
    if (run->noise != NULL)
        used += snprintf(text + used, sizeof text - (size_t)used, ", noise %.40s", run->noise);
    snprintf(text + used, sizeof text - (size_t)used, ". %.120s", rule);

    fputs("set label 2 ", out);
    house_style_quote(out, text);
    fputs(" at screen 0.03, 0.04 left font ',12' textcolor rgb faint\n", out);
}

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
          "set grid ytics linetype 1 linecolor rgb grid linewidth 1\n"
          "set key noautotitle textcolor rgb ink\n"
          "set xlabel textcolor rgb ink\n"
          "set ylabel textcolor rgb ink\n"
          "set lmargin at screen 0.105\n"
          "set rmargin at screen 0.97\n"
          "set tmargin at screen 0.82\n"
          "set bmargin at screen 0.18\n",
          out);
    for (int i = 0; i < HOUSE_COLOURS; i++)
        fprintf(out, "set linetype %d linecolor rgb '%s' linewidth 3\n", i + 1, theme->colours[i]);
    fputs(title_start, out);
    house_style_quote(out, title);
    fputs(" at screen 0.03, 0.94 left font ',20' textcolor rgb ink\n", out);
    write_caption(out, chart->log, rule);
}
