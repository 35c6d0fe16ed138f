/* The page around its parts. */
#include <stddef.h>

#include "analyze/report/report.h"

/* The files of these names, made arrays when the program is built. */
extern const unsigned char page_css[], review_css[], decisions_js[], review_js[];
extern const size_t page_css_bytes, review_css_bytes, decisions_js_bytes, review_js_bytes;

int report_write(FILE *out, struct report *report)
{
    fputs("<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
          "<meta name=viewport content=\"width=device-width,initial-scale=1\">\n"
          /* Whatever is in it: nothing is fetched, and nothing is sent. */
          "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; img-src data:; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
          "<link rel=icon href=data:,>\n<title>",
          out);
    report_write_finding(out, report);
    fputs("</title>\n<style>\n", out);
    report_write_colours(out);
    fwrite(page_css, 1, page_css_bytes, out);
    fwrite(review_css, 1, review_css_bytes, out);
    fputs("</style>\n</head>\n<body>\n<header>\n<h1>", out);
    report_write_finding(out, report);
    fputs("</h1>\n", out);
    report_write_run(out, report);
    fputs("</header>\n<main>\n<section id=flagged aria-labelledby=flagged-title>\n"
          "<h2 id=flagged-title>What was flagged</h2>\n",
          out);
    report_write_flagged(out, report);
    fputs("</section>\n<section id=charts aria-labelledby=charts-title>\n<h2 id=charts-title>Charts</h2>\n", out);
    int status = report_write_charts(out, report);
    fputs("</section>\n<section id=review aria-labelledby=review-title>\n<h2 id=review-title>Suspects</h2>\n", out);
    report_write_data(out, report);
    if (status == 0)
        status = report_write_suspects(out, report);
    fputs("</section>\n</main>\n<script>\n", out);
    fwrite(decisions_js, 1, decisions_js_bytes, out);
    fwrite(review_js, 1, review_js_bytes, out);
    fputs("</script>\n</body>\n</html>\n", out);
    return status;
}
